import { nativeCrypto as c } from "@sluice/crypto/native"
import type { BrokerMessage } from "@sluice/smp-protocol/messages"
import { expect, test } from "vitest"
import { FakeServer, replyTo } from "../test/fake-server.ts"
import { ManualClock } from "../test/manual-clock.ts"
import { problem } from "../test/problem.ts"
import { connect } from "./connect.ts"
import type { ConnectionEvent } from "./events.ts"
import type { Request } from "./request.ts"

const OK: BrokerMessage = { tag: "OK" }
const queueId = c.randomBytes(24)
const keys = c.generateKeyPair("ed25519")
const queue = { recipientId: queueId, recipientKey: keys.privateKey }
const msg = (n: number): BrokerMessage => ({ tag: "MSG", msgId: new Uint8Array(24).fill(n), body: Uint8Array.of(n) })
const sub = (key: Request["key"] = keys.privateKey): Request => ({
  command: { tag: "SUB" },
  entityId: c.randomBytes(24),
  key,
})

test("everything sent in one turn shares a block, also over several calls", async () => {
  await using server = await FakeServer.start({ respond: () => OK })
  await using connection = await connect(server.address)
  await Promise.all([
    ...connection.send([sub(), sub()]),
    connection.secure(queue, keys.publicKey),
    connection.sendMessage({ senderId: queueId }, Uint8Array.of(1)),
  ])
  const peer = await server.connection()
  expect(peer.blocks.map((block) => block.length)).toEqual([4])
})

// transport.md §5.2: 300 commands; the first block takes the rest
test.each([
  { name: "Ed25519, v6", version: 6, algorithm: "ed25519", blocks: [88, 106, 106] },
  { name: "Ed25519, v7", version: 7, algorithm: "ed25519", blocks: [28, 136, 136] },
  { name: "Ed25519, v15", version: 15, algorithm: "ed25519", blocks: [28, 136, 136] },
  { name: "Ed25519, v16", version: 16, algorithm: "ed25519", blocks: [30, 135, 135] },
  { name: "X25519, v20", version: 20, algorithm: "x25519", blocks: [62, 119, 119] },
] as const)("300 SUB with $name fill blocks as the reference does", async ({ version, algorithm, blocks }) => {
  await using server = await FakeServer.start({ respond: () => OK })
  await using connection = await connect(server.address, { range: { min: 6, max: version } })
  const { privateKey } = algorithm === "x25519" ? c.generateKeyPair("x25519") : keys
  const answers = connection.send(Array.from({ length: 300 }, () => sub(privateKey)))
  await Promise.all(answers)
  const peer = await server.connection()
  expect(peer.blocks.map((block) => block.length)).toEqual(blocks)
})

test("a command that fits no block is refused, and the others go out", async () => {
  await using server = await FakeServer.start({ respond: () => OK })
  await using connection = await connect(server.address)
  const large = connection.sendMessage({ senderId: queueId }, new Uint8Array(16_400))
  const small = connection.sendMessage({ senderId: queueId }, new Uint8Array(16_048))
  expect(await problem(large)).toEqual({ code: "TOO_LARGE", command: "SEND" })
  await small
  expect((await server.connection()).commands).toHaveLength(1)
})

test("a value without an encoding, and a command that the version does not have", async () => {
  await using server = await FakeServer.start({ respond: () => OK })
  await using connection = await connect(server.address, { range: { min: 6, max: 8 } })
  const long = connection.sendMessage({ senderId: new Uint8Array(256) }, new Uint8Array(1))
  expect(await problem(long)).toEqual({ code: "UNENCODABLE", command: "SEND" })
  const skey = connection.secureAsSender({ senderId: queueId }, keys)
  expect(await problem(skey)).toEqual({ code: "UNSUPPORTED", command: "SKEY", version: 8, since: 9 })
  const link = connection.createQueue({ link: { data: { fixed: queueId, user: queueId } } })
  expect(await problem(link)).toMatchObject({ code: "UNSUPPORTED", since: 15 })
  const notifier = connection.createQueue({ notifier: true })
  expect(await problem(notifier)).toMatchObject({ code: "UNSUPPORTED", since: 17 })
  const service = connection.subscribeService({ count: 0n, hash: new Uint8Array(16) })
  expect(await problem(service)).toMatchObject({ code: "UNSUPPORTED", since: 16 })
})

test("X25519 authorization needs the key of the server's hello", async () => {
  await using server = await FakeServer.start({ range: { min: 6, max: 6 } })
  await using connection = await connect(server.address)
  const [answer] = connection.send([sub(c.generateKeyPair("x25519").privateKey)])
  expect(await problem(answer as Promise<unknown>)).toEqual({ code: "NO_SERVER_KEY", command: "SUB" })
})

test("a response with another entity rejects its command; one without a command is an event", async () => {
  await using server = await FakeServer.start({
    respond: (command) => [
      { ...replyTo(command, OK), entityId: Uint8Array.of(1) },
      { corrId: Uint8Array.of(7), entityId: queueId, message: OK },
    ],
  })
  await using connection = await connect(server.address)
  const event = connection.events.once("unexpected")
  const answer = connection.sendMessage({ senderId: queueId }, Uint8Array.of(1))
  expect(await problem(answer)).toEqual({ code: "UNEXPECTED", command: "SEND", answer: "OK" })
  expect(await event).toMatchObject({ type: "unexpected", corrId: Uint8Array.of(7), entityId: queueId, answer: "OK" })
})

test("an answer of a wrong kind, and errors of the server", async () => {
  const answers: BrokerMessage[] = [
    { tag: "PONG" },
    { tag: "ERR", error: { type: "AUTH" } },
    { tag: "ERR", error: { type: "STORE", text: "disk on fire" } },
  ]
  await using server = await FakeServer.start({
    respond: (command) => {
      const answer = answers.shift() as BrokerMessage
      return answer.tag === "PONG"
        ? { tag: "NID", notifierId: queueId, dhKey: c.generateKeyPair("x25519").publicKey }
        : [replyTo(command, answer)]
    },
  })
  await using connection = await connect(server.address)
  const send = (): Promise<void> => connection.sendMessage({ senderId: queueId }, Uint8Array.of(1))
  expect(await problem(send())).toEqual({ code: "UNEXPECTED", command: "SEND", answer: "NID" })
  expect(await problem(send())).toEqual({ code: "ERR", command: "SEND", error: { type: "AUTH" }, from: "server" })
  const failing = send()
  await expect(failing).rejects.toMatchObject({ retryable: true, network: false })
  await expect(failing).rejects.not.toThrow("fire")
})

test("the first message of a subscription comes after its SOK was handled", async () => {
  await using server = await FakeServer.start({
    respond: (command, peer) => {
      const message = { corrId: new Uint8Array(), entityId: command.entityId, message: msg(1) }
      return peer.session.version >= 16 ? [{ tag: "SOK" }, message] : [OK, message]
    },
  })
  for (const version of [20, 15]) {
    await using connection = await connect(server.address, { range: { min: 6, max: version } })
    const order: string[] = []
    connection.events.on("message", ({ recipientId }) => order.push(`message ${recipientId.length}`))
    await connection.subscribe(queue)
    order.push("subscribed")
    // A listener that is added only now would not be too late either.
    const { msgId } = await connection.events.once("message")
    expect(msgId[0]).toBe(1)
    expect(order).toEqual(["subscribed", "message 24"])
  }
})

test("a message in place of the confirmation subscribes and is an event", async () => {
  await using server = await FakeServer.start({ respond: () => msg(5) })
  await using connection = await connect(server.address)
  const event = connection.events.once("message")
  await connection.subscribe(queue)
  expect(await event).toMatchObject({ recipientId: queueId, msgId: new Uint8Array(24).fill(5) })
})

test("all events arrive typed and in order", async () => {
  await using server = await FakeServer.start()
  await using connection = await connect(server.address)
  const stream = connection.events.stream()
  const peer = await server.connection()
  const counters = { count: 3n, hash: new Uint8Array(16).fill(3) }
  peer.event(queueId, msg(1))
  peer.event(queueId, { tag: "NMSG", nonce: new Uint8Array(24), meta: new Uint8Array(144) })
  peer.event(queueId, { tag: "END" })
  peer.event(queueId, { tag: "DELD" })
  peer.event(queueId, { tag: "ENDS", counters })
  peer.event(new Uint8Array(), { tag: "ALLS" })
  peer.event(queueId, { tag: "ERR", error: { type: "INTERNAL" } })
  peer.event(new Uint8Array(), { tag: "ERR", error: { type: "BLOCK" } })
  peer.event(queueId, OK)
  const events: ConnectionEvent[] = []
  while (events.length < 9) events.push((await stream.next()).value as ConnectionEvent)
  expect(events).toMatchObject([
    { type: "message", recipientId: queueId },
    { type: "notification", notifierId: queueId },
    { type: "end", entityId: queueId },
    { type: "deleted", entityId: queueId },
    { type: "service-end", serviceId: queueId, counters },
    { type: "all-delivered" },
    { type: "queue-error", entityId: queueId, error: { type: "INTERNAL" } },
    { type: "server-error", error: { type: "BLOCK" } },
    { type: "unexpected", answer: "OK" },
  ])
})

test("a late answer is an event, a late message a message", async () => {
  await using server = await FakeServer.start()
  const clock = new ManualClock()
  await using connection = await connect(server.address, { clock, commandTimeoutMs: 1000 })
  const late = connection.events.once("late-answer")
  const message = connection.events.once("message")
  const send = connection.sendMessage({ senderId: queueId }, Uint8Array.of(1))
  const ack = connection.acknowledge(queue, queueId)
  const peer = await server.connection()
  const first = await peer.command(0)
  const second = await peer.command(1)
  clock.advance(1100)
  expect(await problem(send)).toEqual({ code: "TIMEOUT", command: "SEND" })
  expect(await problem(ack)).toEqual({ code: "TIMEOUT", command: "ACK" })
  peer.reply(first, OK)
  peer.reply(second, msg(2))
  expect(await late).toEqual({ type: "late-answer", command: "SEND", entityId: queueId, answer: OK })
  expect(await message).toMatchObject({ recipientId: queueId, msgId: new Uint8Array(24).fill(2) })
})

test("a command aborted in the turn in which it was made is not sent", async () => {
  await using server = await FakeServer.start({ respond: () => OK })
  await using connection = await connect(server.address)
  const stop = new AbortController()
  const aborted = connection.sendMessage({ senderId: queueId }, Uint8Array.of(1), { signal: stop.signal })
  const other = connection.sendMessage({ senderId: queueId }, Uint8Array.of(2))
  stop.abort(new Error("enough"))
  await expect(aborted).rejects.toThrow("enough")
  await other
  expect((await server.connection()).commands).toHaveLength(1)
})

test("silence after a subscription is asked about, and a dead connection dropped", async () => {
  await using server = await FakeServer.start()
  const clock = new ManualClock()
  await using connection = await connect(server.address, { clock, commandTimeoutMs: 30_000 })
  const closed = connection.events.once("closed")
  const subscribed = problem(connection.subscribe(queue))
  const peer = await server.connection()
  await peer.command(0)
  for (let i = 0; i < 2; i++) {
    clock.advance(600_000)
    await peer.command(i + 1)
  }
  expect(peer.commands.map(({ command }) => command.tag)).toEqual(["SUB", "PING", "PING"])
  expect(await subscribed).toMatchObject({ code: "TIMEOUT" })
  expect(connection.open).toBe(true)
  clock.advance(30_000)
  expect(connection.open).toBe(false)
  expect((await closed).error.problem).toEqual({ code: "LOST" })
  expect(clock.pending).toBe(0)
})

test("commands in flight are rejected when the server goes away", async () => {
  await using server = await FakeServer.start()
  await using connection = await connect(server.address)
  const closed = connection.events.once("closed")
  const send = connection.sendMessage({ senderId: queueId }, Uint8Array.of(1))
  await (await server.connection()).command()
  server.drop()
  expect(await problem(send)).toEqual({ code: "LOST" })
  expect((await closed).error.retryable).toBe(true)
  expect(await problem(connection.ping())).toEqual({ code: "LOST" })
})

test("close sends what is waiting, rejects what is unanswered, and can be called twice", async () => {
  await using server = await FakeServer.start()
  const connection = await connect(server.address)
  const closed = connection.events.once("closed")
  const send = connection.sendMessage({ senderId: queueId }, Uint8Array.of(1))
  const both = [connection.close(), connection.close()]
  expect(await problem(send)).toEqual({ code: "CLOSED" })
  await Promise.all(both)
  expect((await closed).error.problem).toEqual({ code: "CLOSED" })
  const peer = await server.connection()
  await peer.until(() => peer.closed)
  expect(peer.commands).toHaveLength(1)
})

test("a slow server holds back blocks, none is lost", async () => {
  await using server = await FakeServer.start({ respond: () => OK })
  await using connection = await connect(server.address)
  const peer = await server.connection()
  peer.stream.pause()
  const body = new Uint8Array(16_000)
  const sends = Array.from({ length: 400 }, () => connection.sendMessage({ senderId: queueId }, body))
  await new Promise(setImmediate)
  expect(connection.load.inFlight).toBe(400)
  peer.stream.resume()
  await Promise.all(sends)
  expect(peer.commands).toHaveLength(400)
})
