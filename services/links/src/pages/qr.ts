import { encode } from "uqr"
import { Html } from "./html.ts"

/** Modules of quiet around a code; four are what readers may expect. */
const BORDER = 4

/** The path of a QR code's dark modules, and the width of the whole in modules. Throws for more than 2953 bytes. */
export function qrPath(text: string): { readonly path: string; readonly size: number } {
  const { data, size } = encode(text, { ecc: "L", border: BORDER })
  let path = ""
  for (const [y, row] of data.entries()) {
    for (let x = 0; x < size; x++) {
      if (!row[x]) continue
      let end = x
      while (row[end]) end++
      path += `M${x} ${y}h${end - x}v1h${x - end}z`
      x = end
    }
  }
  return { path, size }
}

/** The code as a drawing: dark on light, whatever the theme, as readers expect. */
export function qrSvg(text: string): Html {
  const { path, size } = qrPath(text)
  return new Html(
    `<svg viewBox="0 0 ${size} ${size}" shape-rendering="crispEdges"><rect width="${size}" height="${size}" fill="#fff"/><path d="${path}" fill="#10201f"/></svg>`,
  )
}
