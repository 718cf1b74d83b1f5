import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { EMPTY_LINE, insert, type Line, type Pressed, press, submitted } from "./line-editor.ts"

const typed = (text: string): Line => insert(EMPTY_LINE, text)

describe("a line", () => {
  it("moves and deletes by characters as people count them", () => {
    const line = typed("a👨‍👩‍👧é")
    const left = press(press(line, "", { leftArrow: true }), "", { leftArrow: true })
    expect(left.cursor).toBe(1)
    expect(press(line, "", { backspace: true }).text).toBe("a👨‍👩‍👧")
    expect(press(press(line, "", { backspace: true }), "", { delete: true }).text).toBe("a")
    expect(press(left, "", { rightArrow: true }).cursor).toBe("a👨‍👩‍👧".length)
  })

  it("has the keys of shells", () => {
    const line = typed("one two  three")
    expect(press(line, "w", { ctrl: true }).text).toBe("one two  ")
    expect(press(press(line, "a", { ctrl: true }), "k", { ctrl: true }).text).toBe("")
    expect(press(line, "u", { ctrl: true })).toMatchObject({ text: "", cursor: 0 })
    expect(press(press(line, "a", { ctrl: true }), "x", {}).text).toBe("xone two  three")
  })

  it("becomes one line when several are pasted, without control characters", () => {
    expect(typed("one\r\ntwo\u001b[31m").text).toBe("one two[31m")
  })

  it("comes back from the history", () => {
    const line = submitted(insert(submitted(typed("first")), "second"))
    const up = press(line, "", { upArrow: true })
    expect(up.text).toBe("second")
    expect(press(up, "", { upArrow: true }).text).toBe("first")
    expect(press(press(press(up, "", { upArrow: true }), "", { upArrow: true }), "", { downArrow: true }).text).toBe(
      "second",
    )
    expect(press(up, "", { downArrow: true }).text).toBe("")
  })

  it("never has its cursor outside", () => {
    const key: fc.Arbitrary<Pressed> = fc.constantFrom<Pressed>(
      { leftArrow: true },
      { rightArrow: true },
      { upArrow: true },
      { downArrow: true },
      { backspace: true },
      { ctrl: true },
      { home: true },
      {},
    )
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string({ unit: "grapheme", maxLength: 3 }), key)), (keys) => {
        let line = submitted(typed("before"))
        for (const [input, pressed] of keys) {
          line = press(line, input, pressed)
          expect(line.cursor).toBeGreaterThanOrEqual(0)
          expect(line.cursor).toBeLessThanOrEqual(line.text.length)
        }
      }),
    )
  })
})
