import { expect, it } from "vitest"
import { nearestName, suggestion } from "./nearest-name.ts"

const known = ["relay.port", "relay.password", "log.level"]

it.each([
  ["relay.prot", "relay.port"],
  ["relay.passwort", "relay.password"],
  ["log.levels", "log.level"],
  ["relais.port", "relay.port"],
  ["something.else", undefined],
  ["", undefined],
])("for %j suggests %j", (name, nearest) => expect(nearestName(name, known)).toBe(nearest))

it("words the suggestion", () => {
  expect(suggestion("relay.prot", known)).toBe('; did you mean "relay.port"?')
  expect(suggestion("zzz", known)).toBe("")
})
