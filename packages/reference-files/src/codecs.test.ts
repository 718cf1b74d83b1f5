import { DecodeError } from "@sluice/encoding/errors"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import {
  hostileLine,
  id,
  loggedQueue,
  message,
  newNotification,
  quotaMarker,
  storeLogRecord,
} from "../test/arbitraries.ts"
import { queueOf } from "../test/sample-queue.ts"
import { formatBase64, parseBase64 } from "./base64.ts"
import { formatStoreLogRecord, queueLines } from "./format-store-log.ts"
import { formatMessageLine, MAX_BODY, parseMessageLine } from "./message-line.ts"
import { formatNotificationLine, parseNotificationLine } from "./notification-line.ts"
import { parseStoreLogLine } from "./parse-store-log.ts"

const logged = fc.record({ recipientId: id, message: fc.oneof(message, quotaMarker) })
const notification = fc.record({ notifierId: id, messageId: id, notification: newNotification })

/** A parser may only refuse; what it takes must come out the same when written and read again. */
function refusesOrAgrees<T>(line: string, parse: (line: string) => T, format: (value: T) => string): void {
  let value: T
  try {
    value = parse(line)
  } catch (error) {
    expect(error).toBeInstanceOf(DecodeError)
    return
  }
  expect(parse(format(value))).toEqual(value)
}

describe("base64", () => {
  it("reads what it writes, with and without padding, and nothing else", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.string(), (data, noise) => {
        const text = formatBase64(data)
        expect(text).toBe(Buffer.from(data).toString("base64").replaceAll("+", "-").replaceAll("/", "_"))
        expect(parseBase64(text)).toEqual(data)
        expect(parseBase64(text.replaceAll("=", ""))).toEqual(data)
        refusesOrAgrees(noise, parseBase64, formatBase64)
      }),
    )
  })

  it.each(["", "=", "A", "AB", "AAA", "AAAA=", "AA=", "AA===", "AAA==", "A+AA", "A/AA", "AA AA", "AAAA\n"])(
    "refuses %j unless it is canonical",
    (text) => {
      if (text === "AAA") expect(parseBase64(text)).toEqual(new Uint8Array(2))
      else expect(() => parseBase64(text)).toThrow(DecodeError)
    },
  )
})

describe("store log", () => {
  it("reads what it writes", () => {
    fc.assert(
      fc.property(storeLogRecord, (record) => {
        expect(parseStoreLogLine(formatStoreLogRecord(record))).toEqual(record)
      }),
    )
  })

  it("only refuses", () => {
    const line = hostileLine(storeLogRecord.map(formatStoreLogRecord))
    fc.assert(fc.property(line, (text) => refusesOrAgrees(text, parseStoreLogLine, formatStoreLogRecord)))
  })

  it("writes queues so that no association follows a notice", () => {
    fc.assert(
      fc.property(loggedQueue, (queue) => {
        const lines = queueLines(queue)
        expect(lines.filter((line) => /notice=.* rsrv=/.test(line))).toEqual([])
        expect(lines.join(" ").includes("QUEUE_SERVICE")).toBe(lines.length > 1)
      }),
    )
  })

  it("writes a block of a suspended queue as suspended, then blocked", () => {
    const info = { reason: "content", notice: {} } as const
    const [create = "", ...more] = queueLines({ ...queueOf(1), status: { tag: "blocked", info, suspended: true } })
    expect(parseStoreLogLine(create)).toMatchObject({ tag: "CREATE", queue: { status: { tag: "off" } } })
    expect(more.map(parseStoreLogLine)).toEqual([{ tag: "BLOCK", recipientId: queueOf(1).recipientId, info }])
  })

  it("takes empty link data, which the reference writes and cannot read", () => {
    const line = "LINK AAAA BBBB  "
    const data = { fixedData: new Uint8Array(0), userData: new Uint8Array(0) }
    expect(parseStoreLogLine(line)).toMatchObject({ tag: "LINK", linkData: data })
    expect(formatStoreLogRecord(parseStoreLogLine(line))).toBe(line)
    expect(() => parseStoreLogLine("LINK AAAA BBBB ")).toThrow(DecodeError)
  })
})

describe("messages", () => {
  it("reads what it writes", () => {
    fc.assert(
      fc.property(logged, (value) => {
        expect(parseMessageLine(formatMessageLine(value))).toEqual(value)
      }),
    )
  })

  it("only refuses", () => {
    const line = hostileLine(logged.map(formatMessageLine))
    fc.assert(fc.property(line, (text) => refusesOrAgrees(text, parseMessageLine, formatMessageLine)))
  })

  it("takes bodies of 0 to 16088 bytes", () => {
    const value = (length: number) => ({
      recipientId: new Uint8Array(24),
      message: {
        kind: "message" as const,
        id: new Uint8Array(24),
        timestamp: 1,
        notify: true,
        body: new Uint8Array(length),
      },
    })
    for (const length of [0, 1, MAX_BODY]) {
      expect(parseMessageLine(formatMessageLine(value(length)))).toEqual(value(length))
    }
    expect(() => parseMessageLine(formatMessageLine(value(MAX_BODY + 1)))).toThrow(DecodeError)
  })
})

describe("notifications", () => {
  it("reads what it writes", () => {
    fc.assert(
      fc.property(notification, (value) => {
        expect(parseNotificationLine(formatNotificationLine(value))).toEqual(value)
      }),
    )
  })

  it("only refuses", () => {
    const line = hostileLine(notification.map(formatNotificationLine))
    fc.assert(fc.property(line, (text) => refusesOrAgrees(text, parseNotificationLine, formatNotificationLine)))
  })
})

it("messages of errors never hold anything of the line", () => {
  fc.assert(
    fc.property(hostileLine(storeLogRecord.map(formatStoreLogRecord)), (text) => {
      try {
        parseStoreLogLine(text)
      } catch (error) {
        const words = text.split(/[ =,]/).filter((word) => word.length > 11)
        for (const word of words) expect((error as Error).message).not.toContain(word)
      }
    }),
  )
})
