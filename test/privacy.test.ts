// Nothing that identifies a client is logged or exported at the default level (design.md §2, rule 5): what `test/smp` says of
// the relay and `test/notifications` of the notification server, said of the other services, and of a relay without its Redis.
import { connect as connectTcp } from "node:net"
import { text as textOf } from "node:stream/consumers"
import { createAgentServer } from "@sluice/agent-service/agent-server"
import { agentGroup } from "@sluice/agent-service/config"
import { nativeCrypto as c } from "@sluice/crypto/native"
import { decodeBase64Url, encodeBase64Url } from "@sluice/encoding/base64url"
import { utf8 } from "@sluice/encoding/bytes"
import { formatServerAddress } from "@sluice/encoding/server-address"
import { loadConfig } from "@sluice/ops/config"
import { recordingLog } from "@sluice/ops/recording-log"
import { Secret } from "@sluice/ops/secret"
import { connect } from "@sluice/smp-client/connect"
import { expect, test } from "vitest"
import { TestClient } from "../packages/agent-service/test/client.ts"
import { startRedis } from "../packages/redis/test/start-redis.ts"
import { ProxyUnderTest } from "../services/proxy/test/proxy-under-test.ts"
import { addressOf, TestAgent } from "./agent/test-agent.ts"
import { makeAddress } from "./links/address.ts"
import { TestSite } from "./links/site.ts"
import { createQueue } from "./support/queue.ts"
import { TestRelay } from "./support/relay.ts"
import { logged, Secrets } from "./support/secrets.ts"
import { ack, addNotifier, receive, secure, sendTo } from "./support/steps.ts"

const MESSAGE = "a very private message"

test("the pages for links name no visitor, link, or relay that a visitor asks for", async () => {
  const VISITOR = "203.0.113.77"
  const STRANGER = "relay-of-a-stranger.example"
  await using site = await TestSite.start({ "links.trusted_proxies": ["127.0.0.1/32"], "links.preview_burst": 5 })
  const secrets = new Secrets()
  const address = await makeAddress(site.client, site.server, { profile: { displayName: MESSAGE } })
  const unknown = c.randomBytes(24)
  secrets.add("visitor", VISITOR)
  secrets.add("visitor's relay", STRANGER)
  secrets.add("profile", MESSAGE)
  secrets.add("link ID", address.linkId)
  secrets.add("link key", address.link.linkKey)
  secrets.add("unknown link ID", unknown)
  secrets.add("sender ID", address.queue.senderId)
  const origin = site.origin.replace("localhost", "127.0.0.1")
  const headers = { "x-forwarded-for": VISITOR }
  const status = async (path: string): Promise<number> => (await fetch(`${origin}${path}`, { headers })).status
  const ask = (id: Uint8Array | string, host = "localhost"): Promise<number> =>
    status(`/api/link/${host}/${typeof id === "string" ? id : encodeBase64Url(id)}`)

  expect([await ask(address.linkId), await ask(unknown), await ask(unknown, STRANGER)]).toEqual([200, 404, 403])
  expect(await status(`/${encodeBase64Url(unknown)}`)).toBe(404)
  const raw = connectTcp(site.links.address.port, "127.0.0.1")
  raw.end(`GET /%zz${encodeBase64Url(unknown)} HTTP/1.1\r\nHost: ${STRANGER}\r\n\r\n\0${MESSAGE}\r\n\r\n`)
  expect(await textOf(raw)).toContain("400")
  await site.relay.stop()
  expect(await ask(address.linkId)).toBe(504)
  expect([await ask("no-id"), await ask(unknown)]).toEqual([400, 429])
  secrets.expectNoneIn({ logs: logged(site.log), metrics: await site.metrics.render() })
})

test("the proxy names no client, relay or message", async () => {
  await using relay = await TestRelay.start({ store: "memory" })
  await using proxy = await ProxyUnderTest.start()
  const secrets = new Secrets()
  const server = addressOf(relay)
  await using recipient = await connect(server)
  await using sender = await connect(proxy.address)
  secrets.add("session id", sender.session.sessionId)
  secrets.add("relay", server.keyHash)
  secrets.add("message", MESSAGE)
  const queue = await recipient.createQueue()
  secrets.add("sender ID", queue.senderId)
  const route = await sender.openRelay(server)
  await route.sendMessage(queue, utf8(MESSAGE))
  const nobody = { senderId: c.randomBytes(24) }
  secrets.add("unknown ID", nobody.senderId)
  await expect(route.sendMessage(nobody, utf8(MESSAGE))).rejects.toThrow()
  const wrong = { ...server, keyHash: c.randomBytes(32) }
  secrets.add("unknown relay", wrong.keyHash)
  await expect(sender.openRelay(wrong)).rejects.toThrow()
  const nowhere = { ...server, hosts: ["relay-of-a-stranger.invalid"] }
  secrets.add("host of a relay", nowhere.hosts[0])
  await expect(sender.openRelay(nowhere)).rejects.toThrow()
  await relay.stop()
  await expect(route.sendMessage(queue, utf8(MESSAGE))).rejects.toThrow()
  const { body } = await proxy.page("/metrics")
  const logs = logged(proxy.log)
  secrets.expectNoneIn({ logs, metrics: body })
  expect(`${logs}${body}`).not.toContain(`:${server.port}`)
})

test("the agent as a service names no token, connection, link or message", async () => {
  await using relay = await TestRelay.start({ store: "memory", settings: { "relay.message_quota": 128 } })
  await using peer = await TestAgent.open("peer", { servers: [relay] })
  await using own = await TestAgent.open("own", { servers: [relay] })
  const secrets = new Secrets()
  const token = "a-token-that-nobody-would-guess"
  const log = recordingLog()
  const { agent: config } = loadConfig({ agent: agentGroup }, { overrides: { "agent.port": 0 } })
  const server = await createAgentServer(config, { agent: own.agent, token: new Secret(token), version: "1", log })
  await server.start(new AbortController().signal)
  secrets.add("token", token)
  secrets.add("message", MESSAGE)
  secrets.add("relay", formatServerAddress(addressOf(relay)))
  using client = await TestClient.connect(server.address.port, token)
  await client.call("listen")
  const { connectionId, link } = await client.call("createConnection", { userId: own.userId })
  secrets.add("link", String(link))
  secrets.add("connection", decodeBase64Url(String(connectionId)))
  await peer.agent.joinConnection(peer.userId, String(link), { info: utf8(MESSAGE) })
  const { confirmationId } = await client.event("confirmation")
  await client.call("allowConnection", { connectionId, confirmationId, info: encodeBase64Url(utf8(MESSAGE)) })
  await client.event("connected")
  await client.call("sendMessage", { connectionId, body: encodeBase64Url(utf8(MESSAGE)) })
  await client.event("sent")
  await expect(
    client.call("sendMessage", { connectionId: encodeBase64Url(c.randomBytes(12)), body: "" }),
  ).rejects.toThrow()
  await expect(client.call("joinConnection", { userId: own.userId, link: MESSAGE, info: "" })).rejects.toThrow()
  await expect(client.call(MESSAGE)).rejects.toThrow()
  await expect(TestClient.connect(server.address.port, `${token}-2`)).rejects.toThrow("401")
  await relay.stop()
  await expect(client.call("createConnection", { userId: own.userId })).rejects.toThrow()
  await server.stop(AbortSignal.timeout(2000))
  secrets.expectNoneIn({ logs: logged(log) })
})

test("a relay that loses its Redis names nothing that it wanted to store", async () => {
  await using redis = await startRedis()
  const settings = { "redis.nodes": [`127.0.0.1:${redis.port}`], "redis.durability": "memory" }
  await using relay = await TestRelay.start({ store: "redis", settings })
  const secrets = new Secrets()
  const [recipient, sender] = [await relay.connect(), await relay.connect()]
  for (const { session } of [recipient, sender]) secrets.add("session id", session.sessionId)
  secrets.add("message", MESSAGE)
  const queue = await createQueue(recipient)
  await secure(recipient, queue)
  await addNotifier(recipient, queue)
  secrets.add("recipient ID", queue.ids.recipientId)
  secrets.add("sender ID", queue.ids.senderId)
  secrets.add("notifier ID", queue.notifier?.notifierId)
  secrets.addKey("recipient key", queue.keys.publicKey)
  if (queue.senderKeys !== undefined) secrets.addKey("sender key", queue.senderKeys.publicKey)
  await sendTo(sender, queue, MESSAGE, true)
  const received = await receive(recipient, queue)
  secrets.add("message ID", received.id)
  await redis.kill()
  expect(await sendTo(sender, queue, MESSAGE, true)).toMatchObject({ error: { type: "STORE" } })
  expect(await ack(recipient, queue, received)).toMatchObject({ error: { type: "STORE" } })
  const metrics = await relay.metrics()
  expect(logged(relay.log)).toContain("the store failed")
  await redis.start()
  secrets.expectNoneIn({ logs: logged(relay.log), metrics })
})
