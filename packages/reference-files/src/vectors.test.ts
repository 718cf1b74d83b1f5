import { createHash } from "node:crypto"
import { EMPTY } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import { describe, expect, it } from "vitest"
import { haveVectors, vectors, vectorText } from "../../../test/vectors.ts"
import { formatStoreLogRecord, queueLines } from "./format-store-log.ts"
import { formatMessageLine, parseMessageLine } from "./message-line.ts"
import { formatNotificationLine, parseNotificationLine } from "./notification-line.ts"
import { parseStoreLogLine } from "./parse-store-log.ts"

/** A line, or what is known of a long one. */
type Text = string | { readonly length: number; readonly sha256: string; readonly first: string }

interface RecordCase {
  readonly name: string
  readonly line: Text
  readonly parsed: { readonly same?: true; readonly again?: string; readonly error?: string }
}

interface LineCase {
  readonly name: string
  readonly line: Text
  readonly again?: Text
  readonly error?: string
}

interface Logs {
  readonly storeLogRecords: readonly RecordCase[]
  readonly storeLogLines: readonly LineCase[]
  readonly messageRecords: readonly RecordCase[]
  readonly messageLines: readonly LineCase[]
  readonly notificationRecords: readonly RecordCase[]
}

/** What the reference writes and cannot read, and an import must take (relay-internals.md §10). */
const TAKEN_HERE = ["create blocked with notice and rcv service", "empty body (cannot be read)"]

const storeLog = (line: string) => formatStoreLogRecord(parseStoreLogLine(line))
const message = (line: string) => formatMessageLine(parseMessageLine(line))
const notification = (line: string) => formatNotificationLine(parseNotificationLine(line))

const START = "v3 W0-WAE5Y1e5hc_REmHBIrUQ_fIVUTcbp yXgUFL1_cOWhuuTFCC8Nt5afQw2zp9c1 1763600000 flags=T "

/** The lines that the vectors only describe, found by their digest. */
function candidates(): string[] {
  const largest = (vectorText("messages-log.txt") ?? "").split("\n").filter((line) => line.length > 20_000)
  const body = (fill: string, length: number) =>
    START +
    Buffer.from(fill.repeat(length), "latin1")
      .toString("base64url")
      .padEnd(Math.ceil(length / 3) * 4, "=")
  const filled = ["a", "b", "x", "\0", "M", "m"].flatMap((fill) => [body(fill, 16_088), body(fill, 16_089)])
  return [...largest, ...filled]
}

function lineOf(text: Text): string | undefined {
  if (typeof text === "string") return text
  return candidates().find((line) => digest(line) === text.sha256)
}

function digest(line: string): string {
  return createHash("sha256").update(line, "latin1").digest("hex")
}

describe.skipIf(!haveVectors)("reference vectors", () => {
  const logs = vectors<Logs>("logs.json")

  describe.each([
    ["storeLogRecords", storeLog],
    ["messageRecords", message],
    ["notificationRecords", notification],
  ] as const)("%s", (array, again) => {
    const cases = logs?.[array] ?? []

    it("are there", () => expect(cases.length).toBeGreaterThan(0))

    it.each(cases)("$name", ({ name, line: text, parsed }) => {
      const line = lineOf(text)
      if (line === undefined) throw new Error("no line has this digest")
      if (parsed.error !== undefined) expect(TAKEN_HERE).toContain(name)
      expect(again(line)).toBe(parsed.again ?? line)
    })
  })

  describe.each([
    ["storeLogLines", storeLog],
    ["messageLines", message],
  ] as const)("%s", (array, again) => {
    const cases = logs?.[array] ?? []

    it("are there", () => expect(cases.length).toBeGreaterThan(0))

    it.each(cases)("$name", ({ name, line: text, again: expected, error }) => {
      const line = lineOf(text)
      if (line === undefined) throw new Error("no line has this digest")
      if (TAKEN_HERE.includes(name)) {
        expect(again(line)).toBe(line)
      } else if (error === undefined) {
        expect(digest(again(line))).toBe(typeof expected === "string" ? digest(expected) : expected?.sha256)
      } else {
        expect(() => again(line)).toThrow(DecodeError)
      }
    })
  })

  it("an association behind a notice is read, and written on a line of its own", () => {
    const found = logs?.storeLogRecords.find(({ name }) => TAKEN_HERE.includes(name))?.line
    const record = parseStoreLogLine(String(found))
    if (record.tag !== "CREATE") throw new Error("a CREATE line was expected")
    expect(record.queue.status).toEqual({ tag: "blocked", info: { reason: "content", notice: {} } })
    const { rcvServiceId = EMPTY, ...rest } = record.queue
    const lines = queueLines(record.queue).map(parseStoreLogLine)
    expect(lines).toEqual([
      { tag: "CREATE", recipientId: rest.recipientId, queue: rest },
      { tag: "QUEUE_SERVICE", recipientId: rest.recipientId, kind: "messages", serviceId: rcvServiceId },
    ])
  })

  it.each([
    ["store-log.txt", storeLog],
    ["store-log-compacted.txt", storeLog],
    ["messages-log.txt", message],
    ["messages-log-saved.txt", message],
    ["notifications-log.txt", notification],
  ] as const)("every line of %s is read and written again", (file, again) => {
    const lines = (vectorText(file) ?? "").split("\n")
    expect(lines.length).toBeGreaterThan(1)
    expect(lines.pop()).toBe("")
    for (const line of lines) expect(again(line)).toBe(line)
  })
})
