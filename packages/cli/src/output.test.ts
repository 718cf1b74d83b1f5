import { expect, it } from "vitest"
import { columns } from "./output.ts"

it("sets values beside their names, further lines below", () => {
  expect(
    columns([
      ["a", "1"],
      ["long", "2\n3"],
    ]),
  ).toBe("a     1\nlong  2\n      3")
})

it("leaves out what would command the terminal", () => {
  expect(columns([["host", "relay\u001b[2J.exam\u009b31mple\r\u202e"]])).toBe("host  relay[2J.exam31mple")
})
