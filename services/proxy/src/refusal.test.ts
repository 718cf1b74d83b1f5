import { COMMANDS } from "@sluice/smp-protocol/commands/table"
import { expect, it } from "vitest"
import { type ProxyTag, refusalOf } from "./refusal.ts"

const OWN: readonly string[] = ["PRXY", "PFWD", "RFWD", "PING"] satisfies ProxyTag[]
const tags = Object.keys(COMMANDS).filter((tag) => !OWN.includes(tag)) as Parameters<typeof refusalOf>[0][]

it("knows all commands", () => expect(tags).toHaveLength(21))

it.each(tags)("%s has one of the answers that relays give", (tag) => {
  const special: Record<string, unknown> = {
    SUBS: { type: "SERVICE" },
    NSUBS: { type: "SERVICE" },
    RSLV: { type: "NAME", error: { type: "NO_RESOLVER" } },
  }
  expect(refusalOf(tag)).toEqual(special[tag] ?? { type: "AUTH" })
})
