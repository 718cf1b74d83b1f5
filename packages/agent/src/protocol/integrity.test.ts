import { describe, expect, it } from "vitest"
import { type Integrity, integrityOf } from "./integrity.ts"

const hash = Uint8Array.of(1)
const last = { id: 5n, hash }

describe("integrity of a message after number 5", () => {
  const cases: [bigint, Uint8Array, Integrity][] = [
    [6n, hash, { type: "OK" }],
    [6n, Uint8Array.of(2), { type: "BAD_HASH" }],
    [4n, hash, { type: "BAD_ID", id: 4n }],
    [5n, hash, { type: "DUPLICATE" }],
    [7n, hash, { type: "SKIPPED", from: 6n, to: 6n }],
    [9n, Uint8Array.of(2), { type: "SKIPPED", from: 6n, to: 8n }],
  ]
  it.each(cases)("number %s", (id, previousHash, expected) => {
    expect(integrityOf(last, id, previousHash)).toEqual(expected)
  })
})
