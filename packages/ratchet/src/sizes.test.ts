import { expect, it } from "vitest"
import { paddedConfirmationLength, paddedMessageLength } from "./sizes.ts"

it.each([
  { version: 4, pq: true, confirmation: 14_832, message: 15_840 },
  { version: 4, pq: false, confirmation: 14_832, message: 15_840 },
  { version: 5, pq: false, confirmation: 14_832, message: 15_840 },
  { version: 5, pq: true, confirmation: 11_106, message: 13_618 },
  { version: 7, pq: true, confirmation: 11_106, message: 13_618 },
])("padded lengths at agent version $version, PQ $pq", ({ version, pq, confirmation, message }) => {
  expect(paddedConfirmationLength(version, pq)).toBe(confirmation)
  expect(paddedMessageLength(version, pq)).toBe(message)
})
