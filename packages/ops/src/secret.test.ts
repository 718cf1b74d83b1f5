import { inspect } from "node:util"
import { expect, it } from "vitest"
import { Secret } from "./secret.ts"

it("shows itself only to reveal()", () => {
  const secret = new Secret("hunter2")
  const printed = [
    String(secret),
    `${secret}`,
    ["", secret].join(""),
    JSON.stringify({ secret }),
    inspect(secret),
    inspect({ deep: [secret] }, { showHidden: true, depth: 9 }),
    JSON.stringify(Object.entries(secret)),
    JSON.stringify(structuredClone({ ...secret })),
  ]
  expect(printed.join("\n")).not.toContain("hunter2")
  expect(printed.slice(0, 5)).toEqual(["[hidden]", "[hidden]", "[hidden]", '{"secret":"[hidden]"}', "[hidden]"])
  expect(secret.reveal()).toBe("hunter2")
})
