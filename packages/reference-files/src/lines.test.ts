import { writeFile } from "node:fs/promises"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { temporaryFolder } from "../test/temporary-folder.ts"
import { LineWindow } from "./line-window.ts"
import { type Line, LineSplitter, MAX_LINE, readLines } from "./lines.ts"

/** Lines of any content, and some with line feeds in a row. */
const anyText = fc
  .array(fc.oneof(fc.constant("\n"), fc.string({ unit: "binary-ascii", maxLength: 12 })), { maxLength: 30 })
  .map((parts) => parts.join(""))

function split(text: string, cuts: readonly number[]) {
  const splitter = new LineSplitter()
  const bytes = Buffer.from(text, "latin1")
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)
  const lines = places.slice(1).flatMap((end, i) => splitter.push(bytes.subarray(places[i], end)))
  return [...lines, ...splitter.end()]
}

describe("LineSplitter", () => {
  it("gives the same lines wherever the bytes are cut", () => {
    fc.assert(
      fc.property(anyText, fc.array(fc.nat(), { maxLength: 5 }), (text, cuts) => {
        const expected = text.split("\n")
        const last = expected.pop()
        const lines = split(text, cuts)
        expect(lines.map((line) => line.text)).toEqual(last === "" ? expected : [...expected, last])
        expect(lines.map(({ ended }) => ended)).toEqual(lines.map((_, i) => i < expected.length))
        for (const { position, length, number, text: found } of lines) {
          expect(text.slice(position, position + length)).toBe(found)
          expect(text.slice(0, position).split("\n")).toHaveLength(number)
        }
      }),
    )
  })

  it("keeps the text of the longest line and none of a longer one", () => {
    const splitter = new LineSplitter()
    const half = Buffer.alloc(MAX_LINE / 2, "x")
    const lines = [half, half, Buffer.from("\n"), half, half, Buffer.from("x\nend")].flatMap((part) =>
      splitter.push(part),
    )
    expect(lines.map(({ text, length }) => [text?.length, length])).toEqual([
      [MAX_LINE, MAX_LINE],
      [undefined, MAX_LINE + 1],
    ])
    expect(splitter.end()).toEqual([{ position: 2 * MAX_LINE + 3, length: 3, number: 3, text: "end", ended: false }])
  })
})

describe("LineWindow", () => {
  it("reads every line of a file again, in any order", async () => {
    await using folder = await temporaryFolder()
    const path = folder.file("lines")
    const texts = Array.from({ length: 400 }, (_, i) => String.fromCharCode(33 + (i % 90)).repeat((i * 7919) % 50_000))
    await writeFile(path, `${texts.join("\n")}\n`, "latin1")
    const lines: Line[] = []
    for await (const group of readLines(path)) lines.push(...group)
    expect(lines.map(({ text }) => text)).toEqual(texts)
    using window = new LineWindow(path)
    for (const line of [...lines, ...lines.toReversed(), ...lines.filter((_, i) => i % 3 === 0)]) {
      expect(window.read(line)).toBe(line.text)
    }
  })

  it("gives what is left of a line of a file that was cut", async () => {
    await using folder = await temporaryFolder()
    await writeFile(folder.file("cut"), "abc")
    using window = new LineWindow(folder.file("cut"))
    expect(window.read({ position: 1, length: 10 })).toBe("bc")
    expect(window.read({ position: 9, length: 10 })).toBe("")
  })
})
