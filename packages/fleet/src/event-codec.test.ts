import { DecodeError } from "@sluice/encoding/errors"
import { Writer } from "@sluice/encoding/writer"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { decodePayload, encodePayload, MAX_EVENT, type Payload, roomFor, writeEvent } from "./event-codec.ts"
import { type CarriedMessage, type EventTag, type FleetEvent, ID_BYTES, MAX_CARRIED_BODY, MAX_IDS } from "./events.ts"
import { MAX_PAYLOAD } from "./node-link.ts"

const id = fc.uint8Array({ minLength: ID_BYTES, maxLength: ID_BYTES })
const number = fc.maxSafeNat()
const kind = fc.constantFrom("messages" as const, "notifications" as const)
const ids = fc.array(id, { minLength: 1, maxLength: 5 })

const carried: fc.Arbitrary<CarriedMessage> = fc.record({
  filling: number,
  id,
  timestamp: number,
  notify: fc.boolean(),
  body: fc.oneof(
    { weight: 9, arbitrary: fc.uint8Array({ maxLength: 40 }) },
    { weight: 1, arbitrary: fc.nat(MAX_CARRIED_BODY).map((length) => new Uint8Array(length).fill(length)) },
  ),
})

/** One generator for every tag, so that a new one does not go untested. */
const EVENTS: Record<EventTag, fc.Arbitrary<FleetEvent>> = {
  stored: fc.record(
    { tag: fc.constant("stored" as const), recipientId: id, epoch: number, carried },
    { requiredKeys: ["tag", "recipientId", "epoch"] },
  ),
  moved: fc.record({ tag: fc.constant("moved" as const), recipientId: id, epoch: number }),
  deleted: fc.record({ tag: fc.constant("deleted" as const), recipientId: id, epoch: number }),
  blocked: fc.record({ tag: fc.constant("blocked" as const), recipientId: id, epoch: number }),
  storedForService: fc.record({ tag: fc.constant("storedForService" as const), serviceId: id, recipientId: id }),
  blockedForService: fc.record({ tag: fc.constant("blockedForService" as const), serviceId: id, recipientId: id }),
  leftService: fc.record({
    tag: fc.constant("leftService" as const),
    kind,
    deleted: fc.boolean(),
    serviceId: id,
    id,
  }),
  notified: fc.record(
    { tag: fc.constant("notified" as const), serviceId: id, notifierIds: ids },
    { requiredKeys: ["tag", "notifierIds"] },
  ),
  notifierDeleted: fc.record({ tag: fc.constant("notifierDeleted" as const), notifierId: id }),
  claimed: fc.record({
    tag: fc.constant("claimed" as const),
    kind: fc.constantFrom("messages" as const, "notifications" as const, "notifier" as const),
    order: number,
    ids,
  }),
  released: fc.record({ tag: fc.constant("released" as const), kind, order: number, serviceId: id }),
  hello: fc.constant({ tag: "hello" }),
  missed: fc.constant({ tag: "missed" }),
  leaving: fc.constant({ tag: "leaving" }),
}
const payload: fc.Arbitrary<Payload> = fc.record({
  sender: fc.stringMatching(/^[!-~]{1,64}$/),
  events: fc.array(fc.oneof(...Object.values(EVENTS)), { maxLength: 12 }),
})

describe("payloads", () => {
  it("come back as they were written", () => {
    fc.assert(
      fc.property(payload, (value) => {
        expect(decodePayload(encodePayload(value))).toEqual(value)
      }),
    )
  })

  it.each(Object.entries(EVENTS))("carry %s", (_tag, event) => {
    fc.assert(
      fc.property(event, (value) => {
        const one = { sender: "node", events: [value] }
        expect(decodePayload(encodePayload(one))).toEqual(one)
      }),
      { numRuns: 20 },
    )
  })

  it("are refused with one kind of error when they are cut, changed or made up", () => {
    const attempt = (bytes: Uint8Array): void => {
      try {
        decodePayload(bytes)
      } catch (error) {
        expect(error).toBeInstanceOf(DecodeError)
      }
    }
    fc.assert(
      fc.property(payload, fc.nat(), fc.nat(255), (value, at, byte) => {
        const bytes = encodePayload(value).slice()
        attempt(bytes.subarray(0, at % (bytes.length + 1)))
        bytes[at % bytes.length] = byte
        attempt(bytes)
      }),
    )
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), attempt))
    // Behind a good beginning, so that every tag is come to.
    const start = encodePayload({ sender: "n", events: [] })
    fc.assert(
      fc.property(fc.nat(20), fc.uint8Array({ maxLength: 300 }), (tag, rest) =>
        attempt(new Uint8Array([...start, tag, ...rest])),
      ),
    )
  })

  it("take no more room than was reckoned for each event", () => {
    fc.assert(
      fc.property(fc.oneof(...Object.values(EVENTS)), (event) => {
        const w = new Writer()
        writeEvent(w, event)
        expect(w.length).toBeLessThanOrEqual(roomFor(event))
        expect(roomFor(event)).toBeLessThanOrEqual(MAX_EVENT)
      }),
    )
  })

  it("carry messages up to the longest body, and none that is longer or cut", () => {
    const message = { filling: 1, id: new Uint8Array(ID_BYTES), timestamp: 2, notify: true }
    const stored = (body: Uint8Array): FleetEvent => ({
      ...{ tag: "stored", recipientId: new Uint8Array(ID_BYTES), epoch: 1 },
      carried: { ...message, body },
    })
    const longest = stored(new Uint8Array(MAX_CARRIED_BODY).fill(7))
    const bytes = encodePayload({ sender: "n", events: [longest] })
    expect(bytes).toHaveLength(3 + 76 + MAX_CARRIED_BODY)
    expect(decodePayload(bytes).events).toEqual([longest])
    expect(() => encodePayload({ sender: "n", events: [stored(new Uint8Array(MAX_CARRIED_BODY + 1))] })).toThrow(
      RangeError,
    )
    const length = 3 + 74
    const longer = new Uint8Array([...bytes, 0])
    longer.set([(MAX_CARRIED_BODY + 1) >> 8, (MAX_CARRIED_BODY + 1) & 0xff], length)
    expect(() => decodePayload(longer)).toThrow(DecodeError)
    for (const end of [bytes.length - 1, length + 2, length + 1, length, length - 1, 40]) {
      expect(() => decodePayload(bytes.subarray(0, end))).toThrow(DecodeError)
    }
    const flagged = bytes.slice()
    flagged[length - 1] = 2
    expect(() => decodePayload(flagged)).toThrow(DecodeError)
    const negative = bytes.slice()
    negative[3 + 33] = 0x80
    expect(() => decodePayload(negative)).toThrow(DecodeError)
  })

  it("have bounds", () => {
    const long = Array.from({ length: MAX_IDS }, () => new Uint8Array(ID_BYTES))
    const largest: FleetEvent = { tag: "claimed", kind: "notifier", order: Number.MAX_SAFE_INTEGER, ids: long }
    const bytes = encodePayload({ sender: "n".repeat(64), events: [largest] })
    expect(bytes.length - 66).toBeLessThanOrEqual(MAX_EVENT)
    expect(decodePayload(bytes).events).toEqual([largest])
    const one = (event: FleetEvent) => () => encodePayload({ sender: "n", events: [event] })
    expect(one({ ...largest, ids: [...long, new Uint8Array(ID_BYTES)] })).toThrow(RangeError)
    expect(one({ ...largest, ids: [] })).toThrow(RangeError)
    expect(one({ ...largest, order: -1 })).toThrow(RangeError)
    expect(one({ ...largest, order: 2 ** 53 })).toThrow(RangeError)
    expect(one({ tag: "notifierDeleted", notifierId: new Uint8Array(23) })).toThrow(RangeError)
    expect(() => decodePayload(new Uint8Array(MAX_PAYLOAD + 1))).toThrow(DecodeError)
  })

  it("with a hint have less than 80 bytes", () => {
    const hint: FleetEvent = { tag: "stored", recipientId: new Uint8Array(ID_BYTES), epoch: 1 }
    expect(encodePayload({ sender: "n".repeat(32), events: [hint] })).toHaveLength(67)
  })
})
