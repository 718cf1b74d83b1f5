import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { OperatorError, quoteValue } from "./operator-error.ts"

describe("OperatorError", () => {
  it("has exit code 2 and keeps its cause", () => {
    const cause = new Error("inner")
    const error = new OperatorError("cannot read x", { cause })
    expect(error).toMatchObject({ name: "OperatorError", message: "cannot read x", exitCode: 2, cause })
  })

  it("is one line whatever goes in", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(new OperatorError(`${text}\n\u2028x`).message).not.toMatch(/[\p{Cc}\u2028\u2029]/u)
      }),
    )
  })
})

describe("quoteValue", () => {
  it.each([
    ["12x", '"12x"'],
    [7, "7"],
    [true, "true"],
    [["a", 1], '["a",1]'],
    [{ a: 1 }, "a table"],
    [new Date(0), "a date"],
    [undefined, "nothing"],
    [() => 1, "a function"],
  ])("shows %j as %s", (value, shown) => expect(quoteValue(value)).toBe(shown))

  it.each([
    ["smp://hash:pass@host:x", '"smp://hash:[hidden]@host:x"'],
    [["smp://hash:p/a:s@s@host", "smp://hash@host"], '["smp://hash:[hidden]@host","smp://hash@host"]'],
    ["redis://:pass@host", '"redis://:[hidden]@host"'],
    [`smp://hash:${"p".repeat(100)}@host`, '"smp://hash:[hidden]@host"'],
    ["http://host:80/a", '"http://host:80/a"'],
  ])("hides passwords in %j", (value, shown) => expect(quoteValue(value)).toBe(shown))

  it("shows big integers", () => expect(quoteValue([7n])).toBe("[7]"))

  it("cuts long values", () => expect(quoteValue("x".repeat(500))).toHaveLength(80))
})
