import { encodePublicKey } from "@sluice/crypto/keys"
import { nativeCrypto as c } from "@sluice/crypto/native"
import { encodeBase64Url } from "@sluice/encoding/base64url"
import { fromLatin1, latin1, toHex, utf8 } from "@sluice/encoding/bytes"
import { SmpClient } from "@sluice/smp-client/client"
import { expect, test } from "vitest"
import { eventually, TestDevice, TestNotifications } from "../support/notifications.ts"
import { PUSH_SERVICES, type PushAnswer } from "../support/push-service.ts"
import { TestRelay } from "../support/relay.ts"

const TOKEN = "00c0ffee00c0ffee00c0ffee00c0ffee"
const RELAY_NAME = "relay-that-a-client-named.example"

/**
 * Nothing that identifies a device or a queue, and nothing that ties one to the other, is logged or exported at the default
 * level: a device does everything that a device does, with successes and failures of every kind, and everything that the
 * server says meanwhile is searched.
 */
test.each(PUSH_SERVICES)("logs and metrics name no device token, queue, relay, key or content, by %s", async (push) => {
  await using relay = await TestRelay.start({ settings: { "relay.message_quota": 100 } })
  await using ntf = await TestNotifications.start({ push })
  const server = relay.address
  await using client = new SmpClient(server)
  const connection = await ntf.connect()
  const secrets: [what: string, bytes: Uint8Array][] = []
  const secret = (what: string, bytes: Uint8Array): number => secrets.push([what, bytes])

  const answers: readonly (readonly [readonly PushAnswer[], attempts: number])[] = [
    [[], 1],
    [["configuration"], 1],
    [["drop"], 2],
    // Web Push goes over HTTP/1.1, which has none.
    ...(push === "Web Push" ? [] : [[["goaway-before"] satisfies PushAnswer[], 2] as const]),
    [["drop", "drop"], 2],
    [["unavailable", "payload"], 2],
    [[], 1],
  ]
  const device = await TestDevice.register(connection, ntf.push.token(TOKEN))
  const verification = await ntf.push.next()
  await connection.verifyToken(device.access, device.code(verification))
  secret("device token", utf8(TOKEN))
  secret("device token on the wire", ntf.push.token(TOKEN).token)
  // With Web Push: the path that the service knows the device by.
  for (const [path] of fromLatin1(ntf.push.token(TOKEN).token).matchAll(/[\w/-]{16,}/g)) secret("device", latin1(path))
  secret("token id", device.registered.tokenId)
  secret("secret", device.registered.secret)
  secret("code", device.code(verification))
  secret("verify key", encodePublicKey(device.keys.authKeys.publicKey))
  secret("session id", connection.session.sessionId)
  await connection.setPeriodicPushes(device.access, 20)

  const { queue, notifier, subscriptionId } = await device.notified(client, server)
  const { notifierId, notifierKey } = notifier
  secret("notifier id", notifierId)
  secret("notifier key", notifierKey.raw)
  secret("subscription id", subscriptionId)
  for (const [outcomes, attempts] of answers) {
    ntf.push.answerNext(...outcomes)
    await client.sendMessage(queue, utf8("x"), { notify: true })
    const arrived = await ntf.push.next()
    for (let i = 1; i < attempts; i++) await ntf.push.next()
    for (const { nonce, meta } of device.list(arrived)) {
      secret("nonce", nonce)
      secret("metadata", meta)
    }
    await eventually(async () => (await ntf.store.counts()).pushes === 0)
  }

  // Relays that do not exist, that are not who they are said to be, and queues that they do not have.
  const unknown = c.randomBytes(24)
  secret("unknown notifier id", unknown)
  const wrong = { ...server, keyHash: c.randomBytes(32) }
  const nowhere = { hosts: [RELAY_NAME], port: "5223", keyHash: c.randomBytes(32) }
  for (const other of [server, wrong, nowhere]) {
    await connection.subscribe(device.access, { queue: { server: other, notifierId: unknown }, notifierKey })
  }
  secret("name of a relay", utf8(RELAY_NAME))
  secret("key hash of a relay", wrong.keyHash)
  await eventually(() => ntf.server.relays.states.waiting >= 2)

  ntf.push.answerNext("unregistered")
  await client.sendMessage(queue, utf8("x"), { notify: true })
  await eventually(async () => (await connection.checkToken(device.access)).type === "INVALID")
  await connection.replaceToken(device.access, ntf.push.token(`${TOKEN}ff`))
  await expect(connection.checkToken({ ...device.access, tokenId: unknown })).rejects.toThrow()

  const metrics = await ntf.metrics()
  await ntf.stop()
  const logged = ntf.log.entries.filter(({ level }) => level !== "debug")
  expect(logged.length).toBeGreaterThan(2)
  const said =
    metrics + JSON.stringify(logged, (_, value) => (value instanceof Error ? `${value.stack} ${value.cause}` : value))
  expect(metrics).toContain("simplex_ntf_notifications_delivered")
  for (const [what, bytes] of secrets) {
    const forms = [toHex(bytes), encodeBase64Url(bytes).replace(/=+$/, ""), fromLatin1(bytes)]
    for (const form of forms) expect(said.includes(form), `${what} in a log or metric`).toBe(false)
  }
  expect(said).not.toContain(String(latin1(RELAY_NAME)))
})

test("what is stored ties a token to its queues by random ids alone", async () => {
  await using ntf = await TestNotifications.start({ store: "memory" })
  const connection = await ntf.connect()
  const device = await TestDevice.verified(connection, ntf.push, TOKEN)
  const server = { hosts: [RELAY_NAME], port: "", keyHash: c.randomBytes(32) }
  const notifierKey = c.generateKeyPair("ed25519").privateKey
  const asked = { queue: { server, notifierId: c.randomBytes(24) }, notifierKey }
  const found = await ntf.store.subscription(await connection.subscribe(device.access, asked))
  expect(Object.keys(found?.subscription ?? {}).sort()).toEqual([
    ...["associated", "notifierId", "notifierKey", "relayId", "server", "status", "subscriptionId", "tokenId"],
  ])
  await connection.deleteToken(device.access)
  expect(await ntf.store.counts()).toMatchObject({ tokens: 0, subscriptions: 0, notifications: 0, pushes: 0 })
})
