import { nativeCrypto as c } from "@sluice/crypto/native"
import type { Server } from "@sluice/encoding/server-address"
import type { RegistrationKeys } from "@sluice/ntf-client/ntf-commands"
import { SmpClientError } from "@sluice/smp-client/client-error"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { eventually, TestDevice, TestNotifications, testToken } from "../support/notifications.ts"

let ntf: TestNotifications

beforeAll(async () => {
  ntf = await TestNotifications.start({ store: "memory" })
})

afterAll(() => ntf[Symbol.asyncDispose]())

/** The error that the server answered. */
async function refusal(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
  } catch (error) {
    if (error instanceof SmpClientError && error.answer !== undefined) return error.answer.type
    throw error
  }
  return "accepted"
}

/** A relay that is not there. */
const nowhere: Server = { hosts: ["127.0.0.1"], port: "1", keyHash: new Uint8Array(32).fill(1) }

function request(notifierId = c.randomBytes(24)) {
  return { queue: { server: nowhere, notifierId }, notifierKey: c.generateKeyPair("ed25519").privateKey }
}

describe("registrations", () => {
  it("repeated with another client key are refused, and with another verify key are others", async () => {
    const connection = await ntf.connect()
    const device = await TestDevice.register(connection, testToken("rep"))
    await ntf.push.next()
    const { authKeys } = device.keys
    const otherDh = { authKeys, dhKeys: c.generateKeyPair("x25519") }
    expect(await refusal(connection.registerToken(testToken("rep"), otherDh))).toBe("AUTH")
    const other = await TestDevice.register(connection, testToken("rep"))
    expect(other.registered.tokenId).not.toEqual(device.registered.tokenId)
    const push = await ntf.push.next()

    await connection.verifyToken(other.access, other.code(push))
    expect(await refusal(connection.checkToken(device.access))).toBe("AUTH")
    expect(await connection.checkToken(other.access)).toEqual({ type: "ACTIVE" })
    await connection.deleteToken(other.access)
    expect(await refusal(connection.deleteToken(other.access))).toBe("AUTH")
  })

  it("work with all kinds of keys", async () => {
    const connection = await ntf.connect()
    for (const algorithm of ["ed25519", "ed448", "x25519"] as const) {
      const authKeys = c.generateKeyPair(algorithm) as RegistrationKeys["authKeys"]
      const keys = { ...connection.registrationKeys(), authKeys }
      const { tokenId } = await connection.registerToken(testToken(`key-${algorithm}`), keys)
      await ntf.push.next()
      expect((await connection.checkToken({ tokenId, key: keys.authKeys.privateKey })).type).toMatch(/^(REG|CONF)/)
    }
  })

  it("a wrong code changes nothing", async () => {
    const connection = await ntf.connect()
    const device = await TestDevice.register(connection, testToken("wrong"))
    const push = await ntf.push.next()
    await eventually(async () => (await connection.checkToken(device.access)).type === "CONFIRMED")
    expect(await refusal(connection.verifyToken(device.access, c.randomBytes(32)))).toBe("AUTH")
    expect(await connection.checkToken(device.access)).toEqual({ type: "CONFIRMED" })
    await connection.verifyToken(device.access, device.code(push))
  })

  it("can be tried out without anything being pushed", async () => {
    const before = ntf.server.statistics.tokensCreated
    await (await ntf.connect()).tryOut()
    expect(ntf.server.statistics.tokensCreated).toBe(before)
    expect(ntf.push.pending).toBe(0)
  })
})

it("S10: subscriptions belong to verified tokens, a queue to one of them", async () => {
  const connection = await ntf.connect()
  const device = await TestDevice.register(connection, testToken("s10"))
  const push = await ntf.push.next()
  const asked = request()
  expect(await refusal(connection.subscribe(device.access, asked))).toBe("AUTH")
  await connection.verifyToken(device.access, device.code(push))
  const id = await connection.subscribe(device.access, asked)
  expect(await connection.subscribe(device.access, asked)).toEqual(id)
  expect(await refusal(connection.subscribe(device.access, request(asked.queue.notifierId)))).toBe("AUTH")
  const other = await TestDevice.verified(connection, ntf.push, "s10-other")
  expect(await refusal(connection.subscribe(other.access, asked))).toBe("AUTH")
  expect(await refusal(connection.checkSubscription(id, other.access.key))).toBe("AUTH")
  await connection.deleteSubscription(id, device.access.key)
  expect(await refusal(connection.checkSubscription(id, device.access.key))).toBe("AUTH")
  // What its owner gave up, another may have.
  expect(await connection.subscribe(other.access, asked)).not.toEqual(id)
})

it("S14: periodic pushes, for active tokens, when their time has come", async () => {
  const connection = await ntf.connect()
  const device = await TestDevice.register(connection, testToken("s14"))
  const push = await ntf.push.next()
  expect(await refusal(connection.setPeriodicPushes(device.access, 19))).toBe("QUOTA")
  expect(await refusal(connection.setPeriodicPushes(device.access, 1))).toBe("QUOTA")
  await connection.setPeriodicPushes(device.access, 20)
  const { tokenId } = device.access
  const long = Math.floor(Date.now() / 1000) - 20 * 60 - 5
  await ntf.store.cronSent(tokenId, long)
  await connection.ping()
  expect(ntf.push.pending).toBe(0)
  await connection.verifyToken(device.access, device.code(push))
  const check = await ntf.push.next()
  expect(check).toMatchObject({ kind: "check-messages", content: undefined })
  await eventually(async () => ((await ntf.store.token(tokenId))?.cronSentAt ?? 0) > long)
  await connection.setPeriodicPushes(device.access, 0)
  await ntf.store.cronSent(tokenId, long)
  expect((await ntf.store.dueTokens(long * 2, { limit: 10 })).items).toEqual([])
})

it("limits what one token may have", async () => {
  const settings = { "notifications.subscriptions_per_token": 2 }
  await using own = await TestNotifications.start({ store: "memory", settings })
  const connection = await own.connect()
  const device = await TestDevice.verified(connection, own.push)
  for (const expected of ["accepted", "accepted", "QUOTA"]) {
    expect(await refusal(connection.subscribe(device.access, request()))).toBe(expected)
  }
})

it("connects to no relay of this machine unless it is allowed to", async () => {
  await using own = await TestNotifications.start({
    store: "memory",
    settings: { "notifications.allow_private_relays": false },
  })
  const connection = await own.connect()
  const device = await TestDevice.verified(connection, own.push)
  const asked = request()
  const local = { ...asked, queue: { ...asked.queue, server: { ...nowhere, hosts: ["localhost"] } } }
  const ids = [await connection.subscribe(device.access, asked), await connection.subscribe(device.access, local)]
  for (const id of ids) {
    await eventually(async () => {
      const status = await connection.checkSubscription(id, device.access.key)
      return status.type === "ERR" && status.text === "IncompatibleHost"
    })
  }
})
