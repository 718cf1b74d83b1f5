// Programs can call whatever the agent can do.
import { Agent } from "@sluice/agent/agent"
import { Notifications } from "@sluice/agent/notifications/notifications"
import { expect, it } from "vitest"
import { referenceDocument } from "../src/reference.ts"
import { NOT_OFFERED, OPERATIONS } from "../src/schema/operations.ts"

/** Names of the public members of a class, getters included. */
function members(prototype: object): string[] {
  return Object.getOwnPropertyNames(prototype).filter((name) => name !== "constructor")
}

it("every public member of the agent is a call, or documented as none", () => {
  // A field of the agent, not of its prototype.
  const own = [...members(Agent.prototype), "notifications"]
  const ofNotifications = members(Notifications.prototype).map(
    (name) => `notifications${name.slice(0, 1).toUpperCase()}${name.slice(1)}`,
  )
  const all = [...own, ...ofNotifications]
  expect(all.length).toBeGreaterThan(40)
  const expected = all.filter((name) => !Object.hasOwn(NOT_OFFERED, name))
  expect(Object.keys(OPERATIONS).toSorted()).toEqual(expected.toSorted())
  for (const name of Object.keys(NOT_OFFERED)) {
    expect(own).toContain(name)
    expect(referenceDocument()).toContain(`- \`${name}\`. `)
  }
})

it("every call and every named type is described with what it takes", () => {
  const document = referenceDocument()
  for (const name of Object.keys(OPERATIONS)) expect(document).toContain(`### \`${name}\``)
  for (const type of ["ServerSetting", "OutgoingMessage", "Device", "Push", "Error"]) {
    expect(document).toMatch(new RegExp(`### ${type}\n\n.*\n\n\\| holds`))
  }
})
