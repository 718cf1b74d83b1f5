import { expect, it } from "vitest"
import { qrLines } from "./qr-lines.ts"

/** Dark modules by row and column, read back from the characters; `filled` is what a filled half means. */
function modules(lines: readonly string[], filledIsDark: boolean): boolean[][] {
  const half =
    (characters: string): ((c: string) => boolean) =>
    (c) =>
      characters.includes(c) === filledIsDark
  return lines.flatMap((line) => [[...line].map(half("█▀")), [...line].map(half("█▄"))])
}

const ADDRESS = `smp://${"A".repeat(43)}=@localhost`

it("draws the same code for dark and for coloured terminals, with room around it", () => {
  const onDark = modules(qrLines(ADDRESS, false), false)
  const coloured = qrLines(ADDRESS, true).map((line) => {
    expect(line.startsWith("\u001b[30;107m") && line.endsWith("\u001b[0m")).toBe(true)
    return line.slice("\u001b[30;107m".length, -"\u001b[0m".length)
  })
  expect(modules(coloured, true)).toEqual(onDark)
  expect(onDark.slice(0, 2).flat()).not.toContain(true)
  expect(onDark.flatMap((row) => row.slice(0, 2))).not.toContain(true)
  // The finder pattern of the upper left corner.
  const finder = onDark.slice(2, 9).map((row) =>
    row
      .slice(2, 9)
      .map((dark) => (dark ? "#" : "."))
      .join(""),
  )
  expect(finder).toEqual(["#######", "#.....#", "#.###.#", "#.###.#", "#.###.#", "#.....#", "#######"])
})
