import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { describeError } from "./log-error.ts"
import { OperatorError } from "./operator-error.ts"

describe("describeError", () => {
  it("shows the message of an OperatorError, and of all when asked", () => {
    expect(describeError(new OperatorError("port in use")).message).toBe("port in use")
    expect(describeError(new Error("x"))).not.toHaveProperty("message")
    expect(describeError(new Error("x"), true).message).toBe("x")
  })

  it("follows causes, but not for ever", () => {
    const error = new Error("loop")
    error.cause = error
    const depth = (described: ReturnType<typeof describeError>): number =>
      described.cause === undefined ? 0 : 1 + depth(described.cause)
    expect(depth(describeError(error))).toBe(3)
    expect(describeError(new Error("outer", { cause: "text" })).cause).toEqual({ class: "thrown string" })
  })

  it.each([
    ["text", "thrown string"],
    [null, "thrown null"],
    [{ message: "x" }, "thrown object"],
    [undefined, "thrown undefined"],
  ])("names the type of %j", (thrown, name) => expect(describeError(thrown)).toEqual({ class: name }))

  it("takes codes and names only if they are words", () => {
    expect(describeError(Object.assign(new Error("x"), { code: 404 })).code).toBe("404")
    expect(describeError(Object.assign(new Error("x"), { code: "192.0.2.7", name: "a b" }))).toMatchObject({
      class: "Error",
    })
    expect(describeError(Object.assign(new Error("x"), { code: { a: 1 } })).code).toBeUndefined()
  })

  it("is not deceived by messages that look like stacks, or that were changed later", () => {
    const forged = new Error("x\n    at secret (file:///secret.ts:1:1)")
    expect(describeError(forged).stack).not.toContain("secret.ts")
    for (const message of ["other", ""]) {
      const changed = new Error("x\n    at secret.ts:1:1")
      // The test runner formats stacks when they are first read, the bare runtime when the error is made.
      expect(changed.stack).toContain("secret.ts")
      changed.message = message
      expect(describeError(changed).stack).toBeUndefined()
    }
    const silent = Object.assign(new Error(""), { stack: "Error\n    at run (file:///a.ts:1:1)" })
    expect(describeError(silent).stack).toBe("at run (file:///a.ts:1:1)")
    expect(describeError(Object.assign(new Error("x"), { stack: 5 })).stack).toBeUndefined()
  })

  it("never shows a message", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const described = describeError(new Error(`§${text}§`, { cause: new TypeError(`§${text}`) }))
        expect(JSON.stringify(described)).not.toContain("§")
      }),
    )
  })
})
