import { qrPath } from "@sluice/links/pages/qr"

const SVG = "http://www.w3.org/2000/svg"

/** Draws a code into an element. Gives `false`, and draws nothing, for text that is too long for one. */
export function drawQr(into: Element, text: string): boolean {
  let drawing: ReturnType<typeof qrPath>
  try {
    drawing = qrPath(text)
  } catch {
    // The library has one plain error for everything that does not fit.
    return false
  }
  const { path, size } = drawing
  const svg = document.createElementNS(SVG, "svg")
  svg.setAttribute("viewBox", `0 0 ${size} ${size}`)
  svg.setAttribute("shape-rendering", "crispEdges")
  svg.append(
    shape("rect", { width: String(size), height: String(size), fill: "#fff" }),
    shape("path", { d: path, fill: "#10201f" }),
  )
  into.replaceChildren(svg)
  return true
}

function shape(name: string, attributes: Readonly<Record<string, string>>): SVGElement {
  const element = document.createElementNS(SVG, name)
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value)
  return element
}
