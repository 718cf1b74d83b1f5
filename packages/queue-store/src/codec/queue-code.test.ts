import { DecodeError } from "@sluice/encoding/errors"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { QueueRecord, QueueStatus } from "../records.ts"
import { decodeQueue, encodeQueue, QueueView } from "./queue-code.ts"

const DAY = 86_400

const exactly = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const id = exactly(24)
const day = fc.integer({ min: 1, max: 65_535 }).map((days) => days * DAY)

const key = fc.oneof(
  exactly(32).map((raw) => Uint8Array.from([...Buffer.from("302a300506032b6570032100", "hex"), ...raw])),
  exactly(32).map((raw) => Uint8Array.from([...Buffer.from("302a300506032b656e032100", "hex"), ...raw])),
  exactly(57).map((raw) => Uint8Array.from([...Buffer.from("3043300506032b6571033a00", "hex"), ...raw])),
  fc.uint8Array({ maxLength: 80 }),
)

const notice = fc.oneof(
  fc.constant({}),
  fc.constant({ notice: {} }),
  fc.maxSafeInteger().map((ttl) => ({ notice: { ttl } })),
)
const status: fc.Arbitrary<QueueStatus> = fc.oneof(
  fc.constant({ tag: "active" } as const),
  fc.constant({ tag: "off" } as const),
  fc
    .tuple(fc.constantFrom("spam" as const, "content" as const), notice, fc.boolean())
    .map(([reason, told, suspended]) => {
      return { tag: "blocked", info: { reason, ...told }, ...(suspended && { suspended: true as const }) } as const
    }),
)

const notifier = fc.record(
  { notifierId: id, key, dhSecret: exactly(32), serviceId: id },
  { requiredKeys: ["notifierId", "key", "dhSecret"] },
)

const record: fc.Arbitrary<QueueRecord> = fc.record(
  {
    recipientId: id,
    senderId: id,
    recipientKeys: fc.array(key, { minLength: 1, maxLength: 5 }),
    rcvDhSecret: exactly(32),
    senderKey: key,
    queueMode: fc.constantFrom("messaging" as const, "contact" as const),
    linkId: fc.uint8Array({ minLength: 1, maxLength: 255 }),
    notifier,
    rcvServiceId: id,
    status,
    createdAt: day,
    updatedAt: day,
  },
  { requiredKeys: ["recipientId", "senderId", "recipientKeys", "rcvDhSecret", "status", "updatedAt"] },
)

describe("stored form of a queue", () => {
  it("decodes to the record that was encoded", () => {
    fc.assert(
      fc.property(record, (queue) => {
        expect(decodeQueue(queue.recipientId, encodeQueue(queue))).toEqual(queue)
      }),
    )
  })

  it("shows in place what the record says", () => {
    fc.assert(
      fc.property(record, (queue) => {
        const view = new QueueView(encodeQueue(queue))
        expect({
          off: view.off,
          blocked: view.blocked,
          hasLink: view.hasLink,
          secured: view.secured,
          mode: view.mode,
          securedMessaging: view.securedMessaging,
          createdBy: view.createdBy,
          rcvServiceId: view.rcvServiceId,
          notifierId: view.notifierId,
        }).toEqual({
          off: queue.status.tag === "off",
          blocked: queue.status.tag === "blocked",
          hasLink: queue.linkId !== undefined,
          secured: queue.senderKey !== undefined,
          mode: queue.queueMode,
          securedMessaging: queue.senderKey !== undefined && queue.queueMode !== "contact",
          createdBy: queue.createdAt ?? queue.updatedAt,
          rcvServiceId: queue.rcvServiceId,
          notifierId: queue.notifier?.notifierId,
        })
      }),
    )
  })

  it("has the sizes that are documented", () => {
    const ed25519 = Uint8Array.from([...Buffer.from("302a300506032b6570032100", "hex"), ...new Uint8Array(32)])
    const bare: QueueRecord = {
      recipientId: new Uint8Array(24),
      senderId: new Uint8Array(24),
      recipientKeys: [ed25519],
      rcvDhSecret: new Uint8Array(32),
      senderKey: ed25519,
      queueMode: "messaging",
      status: { tag: "active" },
      updatedAt: 0,
    }
    expect(encodeQueue(bare)).toHaveLength(130)
    const notified = { notifierId: new Uint8Array(24), key: ed25519, dhSecret: new Uint8Array(32) }
    expect(encodeQueue({ ...bare, notifier: notified })).toHaveLength(219)
  })

  it("rounds times down to days", () => {
    fc.assert(
      fc.property(record, fc.integer({ min: 0, max: DAY - 1 }), (queue, seconds) => {
        const { updatedAt } = decodeQueue(
          queue.recipientId,
          encodeQueue({ ...queue, updatedAt: queue.updatedAt + seconds }),
        )
        expect(updatedAt).toBe(queue.updatedAt)
      }),
    )
  })

  it("refuses everything else with a DecodeError", () => {
    const damaged = fc
      .tuple(record, fc.nat(), fc.nat(), fc.integer({ min: 1, max: 255 }))
      .map(([queue, cut, at, xor]) => {
        const stored = encodeQueue(queue)
        const position = at % stored.length
        stored[position] = (stored[position] as number) ^ xor
        return cut % 3 === 0 ? stored.subarray(0, cut % stored.length) : stored
      })
    fc.assert(
      fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 300 })), (bytes) => {
        expectDecodeErrorAtMost(() => decodeQueue(new Uint8Array(24), bytes))
        expectDecodeErrorAtMost(() => new QueueView(bytes))
      }),
    )
  })

  it("does not encode IDs and secrets of a wrong length", () => {
    fc.assert(
      fc.property(record, fc.constantFrom("senderId", "rcvDhSecret", "rcvServiceId"), (queue, field) => {
        expect(() => encodeQueue({ ...queue, [field]: new Uint8Array(23) })).toThrow(/wrong length/)
      }),
    )
  })
})

function expectDecodeErrorAtMost(decode: () => unknown): void {
  try {
    decode()
  } catch (error) {
    expect(error).toBeInstanceOf(DecodeError)
  }
}
