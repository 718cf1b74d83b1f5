import { DecodeError } from "@sluice/encoding/errors"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { MessageList, type QueuedItem } from "./message-list.ts"

const item: fc.Arbitrary<QueuedItem> = fc.record({
  id: fc.uint8Array({ minLength: 24, maxLength: 24 }),
  timestamp: fc.integer({ min: 0, max: 2 ** 40 - 1 }),
  kind: fc.constantFrom("message" as const, "quota" as const),
  notify: fc.boolean(),
  body: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
})

function itemsOf(list: MessageList): QueuedItem[] {
  const items: QueuedItem[] = []
  for (let i = 0; i < list.length; i++) {
    const found = list.at(i)
    if (found !== undefined) items.push(found)
  }
  return items
}

describe("list of a queue's items", () => {
  it("keeps items in order through storing, appending and dropping", () => {
    fc.assert(
      fc.property(
        fc.array(item, { minLength: 1 }),
        fc.array(item),
        fc.nat(),
        fc.boolean(),
        (first, second, drop, open) => {
          const list = new MessageList(undefined)
          for (const one of first) list.append(one)
          list.canWrite = open
          const stored = list.encode()
          expect(stored).toHaveLength(1 + 36 * first.length)
          const again = new MessageList(stored)
          stored.fill(0)
          expect(again.canWrite).toBe(open)
          expect(itemsOf(again)).toEqual(first)
          for (const one of second) again.append(one)
          const count = drop % (first.length + second.length + 1)
          again.drop(count)
          expect(itemsOf(again)).toEqual([...first, ...second].slice(count))
          expect(again.at(again.length)).toBeUndefined()
        },
      ),
    )
  })

  it("is open and empty where nothing is stored", () => {
    const list = new MessageList(undefined)
    expect([list.length, list.canWrite, list.at(0)]).toEqual([0, true, undefined])
  })

  it("refuses other bytes with a DecodeError", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
        const valid = (bytes[0] === 0x01 || bytes[0] === 0x81) && bytes.length > 1 && bytes.length % 36 === 1
        if (valid) expect(new MessageList(bytes).length).toBe((bytes.length - 1) / 36)
        else expect(() => new MessageList(bytes)).toThrow(DecodeError)
      }),
    )
  })
})
