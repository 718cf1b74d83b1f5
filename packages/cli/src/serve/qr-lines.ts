import { create } from "qrcode"

/** Light modules around the code that readers need. */
const QUIET = 2
/** Black on white, whatever the terminal's colours are. */
const COLOURS = "\u001b[30;107m"
const RESET = "\u001b[0m"

/**
 * A QR code as lines of text, two rows of modules in each. With `colours` it is drawn for a terminal that has them;
 * without, light modules are the filled ones, as on a dark screen.
 */
export function qrLines(text: string, colours: boolean): string[] {
  const { modules } = create(text, { errorCorrectionLevel: "L" })
  const dark = (row: number, column: number): boolean =>
    row >= 0 && column >= 0 && row < modules.size && column < modules.size && modules.get(row, column) !== 0
  const lines: string[] = []
  for (let row = -QUIET; row < modules.size + QUIET; row += 2) {
    let line = ""
    for (let column = -QUIET; column < modules.size + QUIET; column++) {
      line += halves(dark(row, column) === colours, dark(row + 1, column) === colours)
    }
    lines.push(colours ? `${COLOURS}${line}${RESET}` : line)
  }
  return lines
}

/** One character whose upper and lower half are filled or not. */
function halves(upper: boolean, lower: boolean): string {
  if (upper) return lower ? "█" : "▀"
  return lower ? "▄" : " "
}
