import { nativeCrypto as c } from "@sluice/crypto/native"
import { verifyAuthorization } from "@sluice/smp-protocol/authorization"
import { SessionBoxKeys } from "@sluice/smp-protocol/box-key-cache"
import type { BrokerMessage } from "@sluice/smp-protocol/messages"
import { expect, test } from "vitest"
import { FakeRelay } from "../test/fake-relay.ts"
import { CREDENTIALS, FakeServer, newCredentials } from "../test/fake-server.ts"
import { problem } from "../test/problem.ts"
import { connect } from "./connect.ts"

const OK: BrokerMessage = { tag: "OK" }
const senderId = c.randomBytes(24)
const linkId = c.randomBytes(24)
const lnk = { tag: "LNK", senderId, data: { fixed: Uint8Array.of(1), user: Uint8Array.of(2) } } as const
const proxyBroker = (code: string): object => ({
  code: "ERR",
  command: "PRXY",
  from: "proxy",
  error: { type: "PROXY", error: { type: "BROKER", error: { type: "TRANSPORT", error: code } } },
})

function relayThat(respond: BrokerMessage | (() => BrokerMessage), max = 20): FakeRelay {
  return new FakeRelay({
    credentials: CREDENTIALS,
    versions: { min: 8, max },
    respond: () => (typeof respond === "function" ? respond() : respond),
  })
}

test("a message goes to the relay, which sees no more than its own version", async () => {
  const relay = relayThat(OK, 17)
  await using proxy = await FakeServer.start({ respond: (command) => relay.answer(command) })
  await using connection = await connect(proxy.address)
  const far = await connection.openRelay(relay.server)
  expect(await far.session).toMatchObject({ version: 17, sessionId: relay.sessionId })
  await far.sendMessage({ senderId }, Uint8Array.of(1, 2, 3), { notify: true })
  const [sent] = relay.received
  expect(sent).toMatchObject({ entityId: senderId, command: { tag: "SEND", body: Uint8Array.of(1, 2, 3) } })
  expect(relay.versions).toEqual([17])
  const peer = await proxy.connection()
  expect(peer.commands.map(({ command }) => command.tag)).toEqual(["PRXY", "PFWD"])
  expect(peer.commands[1]?.corrId).toEqual(sent?.corrId)
})

test.each(["ed25519", "ed448", "x25519"] as const)("a body of 16048 bytes signed by %s fits", async (algorithm) => {
  const relay = relayThat(OK)
  await using proxy = await FakeServer.start({ respond: (command) => relay.answer(command) })
  await using connection = await connect(proxy.address)
  const far = await connection.openRelay(relay.server)
  const keys = c.generateKeyPair(algorithm)
  const senderKey = keys.privateKey as Parameters<typeof far.sendMessage>[0]["senderKey"]
  await far.sendMessage({ senderId, senderKey }, new Uint8Array(16_048))
  const [sent] = relay.received
  expect(sent).toBeDefined()
  if (sent === undefined) return
  const verifier = { crypto: c, sessionKey: relay.sessionKey.privateKey, boxKeys: new SessionBoxKeys(1) }
  const key = keys.publicKey as Parameters<typeof verifyAuthorization>[1][number]
  expect(verifyAuthorization(verifier, [key], sent.authorization, sent.signed.bytes(), sent.corrId)).toBe(true)
  const large = far.sendMessage({ senderId, senderKey }, new Uint8Array(16_150))
  expect(await problem(large)).toEqual({ code: "TOO_LARGE", command: "SEND" })
})

test("keys, links and names go the same way", async () => {
  const answers: BrokerMessage[] = [OK, lnk, lnk, { tag: "ERR", error: { type: "NAME", error: { type: "NOT_FOUND" } } }]
  const relay = relayThat(() => answers.shift() ?? OK)
  await using proxy = await FakeServer.start({ respond: (command) => relay.answer(command) })
  await using connection = await connect(proxy.address)
  const far = await connection.openRelay(relay.server)
  const keys = c.generateKeyPair("ed25519")
  await far.secureAsSender({ senderId }, keys)
  expect(await far.getLink(linkId)).toEqual({ senderId, data: lnk.data })
  expect(await far.secureByLink(linkId, keys)).toEqual({ senderId, data: lnk.data })
  expect(await problem(far.resolveName("a.simplex"))).toEqual({
    code: "ERR",
    command: "RSLV",
    error: { type: "NAME", error: { type: "NOT_FOUND" } },
    from: "server",
  })
  expect(relay.received.map(({ command }) => command.tag)).toEqual(["SKEY", "LGET", "LKEY", "RSLV"])
})

test("errors of the relay and errors of the proxy are told apart", async () => {
  const relay = relayThat({ tag: "ERR", error: { type: "QUOTA" } })
  let broken: BrokerMessage | undefined
  await using proxy = await FakeServer.start({
    respond: (command) => (command.command.tag === "PFWD" && broken) || relay.answer(command),
  })
  await using connection = await connect(proxy.address)
  const far = await connection.openRelay(relay.server)
  const send = (): Promise<void> => far.sendMessage({ senderId }, Uint8Array.of(1))
  expect(await problem(send())).toMatchObject({
    code: "ERR",
    command: "SEND",
    from: "server",
    error: { type: "QUOTA" },
  })
  broken = { tag: "ERR", error: { type: "PROXY", error: { type: "PROTOCOL", error: { type: "CRYPTO" } } } }
  expect(await problem(send())).toMatchObject({ code: "ERR", command: "PFWD", from: "proxy" })
  broken = { tag: "ERR", error: { type: "CRYPTO" } }
  expect(await problem(send())).toMatchObject({ code: "ERR", command: "PFWD", from: "proxy" })
  broken = { tag: "PRES", response: new Uint8Array(16_242) }
  expect(await problem(send())).toEqual({ code: "CRYPTO", command: "SEND" })
  broken = { tag: "PRES", response: new Uint8Array(3) }
  expect(await problem(send())).toEqual({ code: "CRYPTO", command: "SEND" })
})

test("a version that does not have the command inside", async () => {
  const relay = relayThat(OK, 8)
  await using proxy = await FakeServer.start({ respond: (command) => relay.answer(command) })
  await using connection = await connect(proxy.address)
  const far = await connection.openRelay(relay.server)
  const skey = far.secureAsSender({ senderId }, c.generateKeyPair("ed25519"))
  expect(await problem(skey)).toEqual({ code: "UNSUPPORTED", command: "SKEY", version: 8, since: 9 })
})

test("a session that the proxy has lost is opened again, once for all that noticed", async () => {
  const relay = relayThat(OK)
  await using proxy = await FakeServer.start({ respond: (command) => relay.answer(command) })
  await using connection = await connect(proxy.address)
  const far = await connection.openRelay(relay.server)
  relay.reconnect()
  await Promise.all([1, 2, 3].map((n) => far.sendMessage({ senderId }, Uint8Array.of(n))))
  expect(relay.received).toHaveLength(3)
  const tags = (await proxy.connection()).commands.map(({ command }) => command.tag)
  expect(tags.filter((tag) => tag === "PRXY")).toHaveLength(2)
  expect(tags.filter((tag) => tag === "PFWD")).toHaveLength(6)
})

test("a relay that stays away: the command fails, and a later one finds it again", async () => {
  const relay = relayThat(OK)
  const down: BrokerMessage = {
    tag: "ERR",
    error: { type: "PROXY", error: { type: "BROKER", error: { type: "NETWORK", error: { type: "FAILED" } } } },
  }
  let away = false
  await using proxy = await FakeServer.start({
    respond: (sent) => (away && sent.command.tag === "PRXY" ? down : relay.answer(sent)),
  })
  await using connection = await connect(proxy.address)
  const far = await connection.openRelay(relay.server)
  relay.reconnect()
  away = true
  const failing = far.sendMessage({ senderId }, Uint8Array.of(1))
  await expect(failing).rejects.toMatchObject({ retryable: true, problem: { command: "PRXY", from: "proxy" } })
  away = false
  await far.sendMessage({ senderId }, Uint8Array.of(2))
  expect(relay.received).toHaveLength(1)
})

test("the password of the proxy", async () => {
  const refusal: BrokerMessage = { tag: "ERR", error: { type: "PROXY", error: { type: "BASIC_AUTH" } } }
  const relay = relayThat(OK)
  await using proxy = await FakeServer.start({
    respond: (sent) =>
      sent.command.tag === "PRXY" && sent.command.password !== "right" ? refusal : relay.answer(sent),
  })
  await using connection = await connect({ ...proxy.address, password: "right" })
  await connection.openRelay(relay.server)
  const wrong = connection.openRelay(relay.server, { password: "wrong" })
  expect(await problem(wrong)).toMatchObject({ code: "ERR", from: "proxy", error: refusal.error })
})

test("relays that are not what their address says", async () => {
  const relay = relayThat(OK)
  await using proxy = await FakeServer.start({ respond: (command) => relay.answer(command) })
  await using connection = await connect(proxy.address)
  const other = { ...relay.server, keyHash: newCredentials().fingerprint }
  expect(await problem(connection.openRelay(other))).toEqual(proxyBroker("HANDSHAKE IDENTITY"))

  const versions = connection.openRelay(relay.server, { range: { min: 21, max: 22 } })
  expect(await problem(versions)).toEqual(proxyBroker("VERSION"))
})

test("a session key that the relay's certificate does not vouch for", async () => {
  // the chain of one relay with the signature of another
  const credentials = { ...CREDENTIALS, leafKey: newCredentials().leafKey }
  const relay = new FakeRelay({ credentials, respond: () => OK })
  await using proxy = await FakeServer.start({ respond: (command) => relay.answer(command) })
  await using connection = await connect(proxy.address)
  expect(await problem(connection.openRelay(relay.server))).toEqual(proxyBroker("HANDSHAKE IDENTITY"))
})
