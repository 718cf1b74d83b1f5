import { describe, expect, it } from "vitest"
import { MemoryProvider } from "./memory-provider.ts"
import { DELIVERED, type PushNotification, type PushTarget } from "./provider.ts"

const target: PushTarget = { kind: "apns", token: "abcd" }
const message: PushNotification = {
  kind: "message",
  seal: (length) => ({ nonce: new Uint8Array(24), ciphertext: new Uint8Array(length + 16) }),
}
const signal = new AbortController().signal

describe("a provider in memory", () => {
  it("keeps what was attempted, in order, and gives it out once", async () => {
    const provider = new MemoryProvider({ paddedLength: 2960 })
    const first = provider.next()
    expect(await provider.deliver(target, message, signal)).toEqual(DELIVERED)
    await provider.deliver(target, { kind: "check-messages" }, signal)
    expect((await first).content?.ciphertext).toHaveLength(2976)
    expect(provider.pending).toBe(1)
    expect((await provider.next()).kind).toBe("check-messages")
    expect(provider.pending).toBe(0)
  })

  it("answers as it is told, and not at all when it is closed", async () => {
    const provider = new MemoryProvider()
    provider.answer = () => ({ outcome: "token-invalid", reason: "BAD" })
    expect(await provider.deliver(target, message, signal)).toEqual({ outcome: "token-invalid", reason: "BAD" })
    await provider.close()
    expect((await provider.deliver(target, message, signal)).outcome).toBe("failed")
    expect(provider.attempts).toHaveLength(1)
  })
})
