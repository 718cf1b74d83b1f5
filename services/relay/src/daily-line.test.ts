import { NO_COUNTS } from "@sluice/queue-store/queue-store"
import { describe, expect, it } from "vitest"
import { type DayFigures, dailyLine } from "./daily-line.ts"
import { numbersOf } from "./numbers.ts"
import { NameStatistics, ServiceStatistics, Statistics } from "./statistics.ts"

const OUTCOMES = ["requests", "successes", "errorsConnect", "errorsCompat", "errorsOther"]
const SERVICE = [
  "assocNew",
  "assocDuplicate",
  "assocUpdated",
  "assocRemoved",
  "subCount",
  "subDuplicate",
  "subQueues",
  "subEnd",
]
const CONSTANT_ZERO = "0"

const group = (name: string, names: readonly string[]): string[] => names.map((counter) => `${name}.${counter}`)

/** What stands in each column (relay-operations.md §6), from the first to the 101st. */
const COLUMNS: readonly string[] = [
  "date",
  ...group("relay", ["qCreated", "qSecured", "qDeletedAll", "msgSent", "msgRecv"]),
  ...group("active", ["day", "week", "month"]),
  ...group("relay", ["msgSentNtf", "msgRecvNtf"]),
  ...group("activeNtf", ["day", "week", "month"]),
  ...["counts.queues", "counts.messages"],
  ...group("relay", ["msgExpired", "qDeletedNew", "qDeletedSecured"]),
  ...group("relays", OUTCOMES),
  ...group("relaysOwn", OUTCOMES),
  ...group("forwards", OUTCOMES),
  ...group("forwardsOwn", OUTCOMES),
  "relay.pMsgFwdsRecv",
  ...group("relay", ["qSub", "qSubAuth", "qSubDuplicate", "qSubProhibited"]),
  ...group("relay", ["msgSentAuth", "msgSentQuota", "msgSentLarge"]),
  // msgNtfNoSub and msgNtfLost are not counted any more.
  ...["relay.msgNtfs", CONSTANT_ZERO, CONSTANT_ZERO],
  CONSTANT_ZERO,
  ...group("relay", ["msgRecvGet", "msgGet", "msgGetNoMsg", "msgGetAuth", "msgGetDuplicate", "msgGetProhibited"]),
  ...[CONSTANT_ZERO, CONSTANT_ZERO, CONSTANT_ZERO],
  "counts.queues",
  ...group("relay", ["ntfCreated", "ntfDeleted", "ntfSub", "ntfSubAuth", "ntfSubDuplicate"]),
  "counts.notifiers",
  ...group("relay", ["qDeletedAllB", "qSubAllB", "qSubEnd", "qSubEndB"]),
  ...group("relay", ["ntfDeletedB", "ntfSubB", "msgNtfsB", "msgNtfExpired"]),
  "counts.notifications",
  ...group("counts", ["messageServices", "notificationServices"]),
  ...group("counts", ["messageServiceQueues", "notificationServiceQueues"]),
  ...group("rcvServices", SERVICE),
  ...group("ntfServices", SERVICE),
  ...group("names", ["requests", "success", "notFound", "resolverErrors", "disabled"]),
]

/** Positions that the table names by number. */
const POSITIONS: Readonly<Record<number, string>> = {
  1: "date",
  2: "relay.qCreated",
  7: "active.day",
  10: "relay.msgSentNtf",
  12: "activeNtf.day",
  15: "counts.queues",
  20: "relays.requests",
  25: "relaysOwn.requests",
  30: "forwards.requests",
  35: "forwardsOwn.requests",
  40: "relay.pMsgFwdsRecv",
  41: "relay.qSub",
  45: "relay.msgSentAuth",
  48: "relay.msgNtfs",
  51: CONSTANT_ZERO,
  52: "relay.msgRecvGet",
  58: CONSTANT_ZERO,
  61: "counts.queues",
  62: "relay.ntfCreated",
  67: "counts.notifiers",
  68: "relay.qDeletedAllB",
  76: "counts.notifications",
  77: "counts.messageServices",
  81: "rcvServices.assocNew",
  89: "ntfServices.assocNew",
  97: "names.requests",
  101: "names.disabled",
}

/** Figures in which every number is another, and by which name each is known. */
function numberedFigures(): { readonly figures: DayFigures; readonly names: ReadonlyMap<string, string> } {
  let next = 1000
  const names = new Map<string, string>()
  const numbered = <T extends object>(prefix: string, object: T): T =>
    Object.fromEntries(
      Object.keys(numbersOf(object)).map((name) => {
        names.set(`${prefix}.${name}`, String(++next))
        return [name, next]
      }),
    ) as T
  const outcomes = { requests: 0, successes: 0, errorsConnect: 0, errorsCompat: 0, errorsOther: 0 }
  const active = { day: 0, week: 0, month: 0 }
  const figures: DayFigures = {
    from: new Date("2025-06-30T00:00:00Z"),
    day: {
      relay: numbered("relay", new Statistics()),
      names: numbered("names", new NameStatistics()),
      relays: numbered("relays", outcomes),
      relaysOwn: numbered("relaysOwn", outcomes),
      forwards: numbered("forwards", outcomes),
      forwardsOwn: numbered("forwardsOwn", outcomes),
    },
    services: {
      rcvServices: numbered("rcvServices", new ServiceStatistics()),
      ntfServices: numbered("ntfServices", new ServiceStatistics()),
    },
    active: numbered("active", active),
    activeNtf: numbered("activeNtf", active),
    counts: numbered("counts", NO_COUNTS),
  }
  return { figures, names: names.set("date", "2025-06-30") }
}

describe("the daily line", () => {
  it("is compared with a table of 101 columns that is right itself", () => {
    expect(COLUMNS).toHaveLength(101)
    for (const [column, name] of Object.entries(POSITIONS))
      expect([column, COLUMNS[Number(column) - 1]]).toEqual([column, name])
  })

  it("has the right figure in every column", () => {
    const { figures, names } = numberedFigures()
    const cells = dailyLine(figures).split(",")
    expect(cells).toHaveLength(101)
    const expected = COLUMNS.map((name) => (name === CONSTANT_ZERO ? CONSTANT_ZERO : names.get(name)))
    expect(expected).not.toContain(undefined)
    expect(cells).toEqual(expected)
  })

  it("leaves the columns of a week and a month empty that go on", () => {
    const { figures } = numberedFigures()
    const cells = dailyLine({ ...figures, active: { day: 5 }, activeNtf: { day: 6, month: 7 } }).split(",")
    expect(cells).toHaveLength(101)
    expect([cells.slice(6, 9), cells.slice(11, 14)]).toEqual([
      ["5", "", ""],
      ["6", "", "7"],
    ])
  })
})
