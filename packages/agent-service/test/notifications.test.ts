// A program registers a device, and reads what is pushed to it.
import { encodeBase64Url } from "@sluice/encoding/base64url"
import { formatServerAddress } from "@sluice/encoding/server-address"
import { expect, it } from "vitest"
import { eventually, TestNotifications } from "../../../test/support/notifications.ts"
import { Programs, read, text } from "./programs.ts"

const DEVICE = { pushProvider: "apns_test", token: "abcd" }

/** The content of the first push of a kind, as a device finds it. */
async function pushed(ntf: TestNotifications, kind: "verification" | "message"): Promise<Record<string, string>> {
  await eventually(() => ntf.push.received.some((push) => push.kind === kind))
  const content = ntf.push.received.find((push) => push.kind === kind)?.content
  if (content === undefined) throw new Error("a push without content")
  return { nonce: encodeBase64Url(content.nonce), ciphertext: encodeBase64Url(content.ciphertext) }
}

it("pushes of a device are registered for, verified, read and ended", { timeout: 30_000 }, async () => {
  await using ntf = await TestNotifications.start({ store: "memory" })
  await using programs = await Programs.start()
  const { alice, bob, a, b } = await programs.pair()
  const address = formatServerAddress({ scheme: "ntf", ...ntf.address })
  expect(await bob.call("notificationsState")).toEqual({})
  expect(await bob.call("notificationsTestServer", { address })).toEqual({})
  await bob.call("notificationsSetServers", { servers: [address] })
  const { status } = await bob.call("notificationsRegister", { device: DEVICE, mode: "instant" })
  expect(status).toEqual({ type: "REGISTERED" })
  const push = await pushed(ntf, "verification")
  expect(await bob.call("notificationsVerify", { device: DEVICE, push })).toEqual({ status: { type: "ACTIVE" } })
  expect(await bob.call("notificationsCheck", { device: DEVICE })).toEqual({ status: { type: "ACTIVE" } })
  const state = { device: DEVICE, mode: "instant", status: { type: "ACTIVE" } }
  expect((await bob.call("notificationsState"))["state"]).toMatchObject(state)

  const subscription = async (): Promise<unknown> => {
    return (await bob.call("notificationsSubscription", { connectionId: b }))["subscription"]
  }
  await eventually(async () => JSON.stringify(await subscription()).includes('"CREATED"'))
  await eventually(async () => {
    const [relay] = (await ntf.store.relays({ limit: 1 })).items
    if (relay === undefined) return false
    const { items } = await ntf.store.subscriptionsToMake(relay.relayId, { limit: 10 })
    return items.every((one) => one.status.type === "ACTIVE")
  })
  await alice.call("sendMessage", { connectionId: a, body: text("ring") })
  expect(read((await bob.event("message"))["body"])).toBe("ring")
  const { messages } = await bob.call("notificationsRead", { push: await pushed(ntf, "message") })
  const message = { connectionId: b, queue: expect.any(Number), time: expect.any(Number) }
  expect(messages).toEqual([{ ...message, meta: { msgId: expect.any(String), timestamp: expect.any(Number) } }])
  const [told] = messages as Record<string, unknown>[]
  await expect(bob.call("notificationsFetch", { message: told })).rejects.toThrow("messages of this connection")

  expect(await bob.call("notificationsSetConnection", { connectionId: b, enabled: false })).toEqual({})
  await eventually(async () => !JSON.stringify(await subscription())?.includes('"CREATED"'))
  expect(await bob.call("notificationsDelete")).toEqual({})
  expect(await bob.call("notificationsState")).toEqual({})
})

it("pushes that are none are refused", async () => {
  await using programs = await Programs.start()
  const alice = await programs.program()
  const device = { pushProvider: "apns_test", token: "no hexadecimal" }
  await expect(alice.call("notificationsRegister", { device, mode: "instant" })).rejects.toThrow('"code":"REQUEST"')
  const push = { nonce: text("short"), ciphertext: "" }
  await expect(alice.call("notificationsRead", { push })).rejects.toThrow("not 24 bytes")
  const sealed = { nonce: encodeBase64Url(new Uint8Array(24)), ciphertext: "" }
  await expect(alice.call("notificationsRead", { push: sealed })).rejects.toThrow('"code":"CMD"')
  const servers = [programs.address]
  await expect(alice.call("notificationsSetServers", { servers })).rejects.toThrow("other scheme")
})
