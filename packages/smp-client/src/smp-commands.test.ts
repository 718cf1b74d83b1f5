import type { AuthKey, KeyPair } from "@sluice/crypto/keys"
import { nativeCrypto as c } from "@sluice/crypto/native"
import type { ReceivedCommand } from "@sluice/smp-protocol/block"
import type { Command, CommandOf, CommandTag } from "@sluice/smp-protocol/commands"
import { encryptDelivered } from "@sluice/smp-protocol/delivered-body"
import type { BrokerMessage } from "@sluice/smp-protocol/messages"
import type { NameRecord } from "@sluice/smp-protocol/messages/name"
import { encryptNotificationMeta } from "@sluice/smp-protocol/notification-meta"
import { senderIdOf } from "@sluice/smp-protocol/sender-id"
import { expect, test } from "vitest"
import { type FakeConnection, FakeServer } from "../test/fake-server.ts"
import { problem } from "../test/problem.ts"
import { connect } from "./connect.ts"
import type { SmpConnection } from "./connection.ts"
import { decryptNotification } from "./delivered.ts"
import type { AuthKeyPair } from "./request.ts"

const OK: BrokerMessage = { tag: "OK" }
const recipientId = c.randomBytes(24)
const recipientKeys = c.generateKeyPair("ed25519")
const queue = { recipientId, recipientKey: recipientKeys.privateKey }
const senderId = c.randomBytes(24)
const linkId = c.randomBytes(24)
const data = { fixed: Uint8Array.of(1, 2), user: Uint8Array.of(3) }
const authKeys: readonly AuthKeyPair[] = [
  c.generateKeyPair("ed25519"),
  c.generateKeyPair("ed448"),
  c.generateKeyPair("x25519"),
]

/** Runs one call against a server that answers with one message; gives the result and the command that was sent. */
async function exchange<T, C extends CommandTag>(
  tag: C,
  answer: BrokerMessage | ((command: CommandOf<C>) => BrokerMessage),
  call: (connection: SmpConnection) => Promise<T>,
): Promise<{ result: T; sent: ReceivedCommand; command: CommandOf<C>; peer: FakeConnection }> {
  const isTag = (command: Command): command is CommandOf<C> => command.tag === tag
  await using server = await FakeServer.start({
    respond: ({ command }) => {
      if (!isTag(command)) throw new Error(`unexpected ${command.tag}`)
      return typeof answer === "function" ? answer(command) : answer
    },
  })
  await using connection = await connect(server.address)
  const result = await call(connection)
  const peer = await server.connection()
  const sent = await peer.command()
  if (!isTag(sent.command)) throw new Error(`sent ${sent.command.tag}`)
  return { result, sent, command: sent.command, peer }
}

/** Calls whose only success is `OK`, with what they send. */
const PLAIN: readonly {
  name: CommandTag
  call: (connection: SmpConnection) => Promise<void>
  command: Command
  entityId: Uint8Array
  key: AuthKey | undefined
}[] = [
  {
    name: "KEY",
    call: (connection) => connection.secure(queue, authKeys[1]?.publicKey as AuthKey),
    command: { tag: "KEY", senderKey: authKeys[1]?.publicKey as AuthKey },
    entityId: recipientId,
    key: recipientKeys.publicKey,
  },
  {
    name: "RKEY",
    call: (connection) =>
      connection.setRecipientKeys(
        queue,
        authKeys.map(({ publicKey }) => publicKey),
      ),
    command: { tag: "RKEY", recipientKeys: authKeys.map(({ publicKey }) => publicKey) },
    entityId: recipientId,
    key: recipientKeys.publicKey,
  },
  {
    name: "LSET",
    call: (connection) => connection.setLink(queue, linkId, data),
    command: { tag: "LSET", linkId, data },
    entityId: recipientId,
    key: recipientKeys.publicKey,
  },
  {
    name: "LDEL",
    call: (connection) => connection.deleteLink(queue),
    command: { tag: "LDEL" },
    entityId: recipientId,
    key: recipientKeys.publicKey,
  },
  {
    name: "NDEL",
    call: (connection) => connection.disableNotifications(queue),
    command: { tag: "NDEL" },
    entityId: recipientId,
    key: recipientKeys.publicKey,
  },
  {
    name: "OFF",
    call: (connection) => connection.suspendQueue(queue),
    command: { tag: "OFF" },
    entityId: recipientId,
    key: recipientKeys.publicKey,
  },
  {
    name: "DEL",
    call: (connection) => connection.deleteQueue(queue),
    command: { tag: "DEL" },
    entityId: recipientId,
    key: recipientKeys.publicKey,
  },
  {
    name: "SKEY",
    call: (connection) => connection.secureAsSender({ senderId }, recipientKeys),
    command: { tag: "SKEY", senderKey: recipientKeys.publicKey },
    entityId: senderId,
    key: recipientKeys.publicKey,
  },
  {
    name: "SEND",
    call: (connection) => connection.sendMessage({ senderId }, Uint8Array.of(7), { notify: true }),
    command: { tag: "SEND", flags: { notification: true }, body: Uint8Array.of(7) },
    entityId: senderId,
    key: undefined,
  },
]

test.each(PLAIN)("$name", async ({ name, call, command, entityId, key }) => {
  const { sent, peer } = await exchange(name, OK, call)
  expect(sent.command).toEqual(command)
  expect(sent.entityId).toEqual(entityId)
  expect(sent.corrId).toHaveLength(24)
  if (key === undefined) expect(sent.authorization).toHaveLength(0)
  else expect(peer.verifies(sent, key)).toBe(true)
})

test.each(authKeys.map((keys) => ({ keys, algorithm: keys.publicKey.algorithm })))(
  "commands are authorized by $algorithm keys",
  async ({ keys }) => {
    const secured = { senderId, senderKey: keys.privateKey }
    const { sent, peer } = await exchange("SEND", OK, (connection) => connection.sendMessage(secured, Uint8Array.of(1)))
    expect(peer.verifies(sent, keys.publicKey)).toBe(true)
  },
)

test("NEW makes keys, and both ends have the same secrets", async () => {
  const serverKeys = c.generateKeyPair("x25519")
  const notifierKeys = c.generateKeyPair("x25519")
  const notifierId = c.randomBytes(24)
  const { result, sent, command, peer } = await exchange(
    "NEW",
    {
      tag: "IDS",
      recipientId,
      senderId,
      dhKey: serverKeys.publicKey,
      queueMode: "messaging",
      notifier: { notifierId, dhKey: notifierKeys.publicKey },
    },
    (connection) => connection.createQueue({ notifier: true, password: "secret" }),
  )
  expect(command).toMatchObject({
    password: "secret",
    subscription: "subscribe",
    queueData: { mode: "messaging", link: undefined },
  })
  expect(sent.entityId).toHaveLength(0)
  expect(peer.verifies(sent, command.recipientKey)).toBe(true)
  expect(c.publicKeyOf(result.recipientKey).raw).toEqual(command.recipientKey.raw)
  expect(result).toMatchObject({ recipientId, senderId, mode: "messaging", notifier: { notifierId } })
  expect(result.dhSecret).toEqual(c.diffieHellman(serverKeys.privateKey, command.dhKey))
  const notifier = command.notifier
  expect(notifier).toBeDefined()
  if (notifier === undefined || result.notifier === undefined) return
  expect(result.notifier.dhSecret).toEqual(c.diffieHellman(notifierKeys.privateKey, notifier.dhKey))
  expect(c.publicKeyOf(result.notifier.notifierKey).raw).toEqual(notifier.authKey.raw)
})

test("NEW with the caller's keys and without subscription", async () => {
  const dhKeys = c.generateKeyPair("x25519")
  const keys = c.generateKeyPair("ed448")
  const ids = { tag: "IDS", recipientId, senderId, dhKey: dhKeys.publicKey } as const
  const { command, sent, peer } = await exchange("NEW", ids, (connection) =>
    connection.createQueue({ recipientKeys: keys, dhKeys, subscribe: false, mode: "contact" }),
  )
  expect(command.subscription).toBe("create-only")
  expect(command.queueData).toEqual({ mode: "contact", link: undefined })
  expect(command.dhKey.raw).toEqual(dhKeys.publicKey.raw)
  expect(peer.verifies(sent, keys.publicKey)).toBe(true)
})

test("NEW with a link: the sender id follows from the correlation id", async () => {
  const ids = { tag: "IDS", recipientId, senderId, dhKey: c.generateKeyPair("x25519").publicKey, linkId } as const
  const corrId = c.randomBytes(24)
  const messaging = await exchange("NEW", ids, (connection) => connection.createQueue({ link: { data }, corrId }))
  const derived = senderIdOf(c, corrId)
  expect(messaging.sent.corrId).toEqual(corrId)
  expect(messaging.command.queueData).toEqual({ mode: "messaging", link: { senderId: derived, data } })
  expect(messaging.result.linkId).toEqual(linkId)

  const contact = await exchange("NEW", ids, (connection) =>
    connection.createQueue({ mode: "contact", link: { data, linkId } }),
  )
  const expected = { senderId: senderIdOf(c, contact.sent.corrId), data, linkId }
  expect(contact.command.queueData).toEqual({ mode: "contact", link: expected })
})

test("NEW for a contact link without its id is a mistake of the caller", async () => {
  await using server = await FakeServer.start()
  await using connection = await connect(server.address)
  await expect(connection.createQueue({ mode: "contact", link: { data } })).rejects.toThrow(TypeError)
})

test("NEW answered with a key of low order", async () => {
  const dhKey: KeyPair<"x25519">["publicKey"] = { kind: "public", algorithm: "x25519", raw: new Uint8Array(32) }
  await using server = await FakeServer.start({ respond: () => ({ tag: "IDS", recipientId, senderId, dhKey }) })
  await using connection = await connect(server.address)
  expect(await problem(connection.createQueue())).toEqual({ code: "CRYPTO", command: "NEW" })
})

test("the password of the address is used where none is given", async () => {
  await using server = await FakeServer.start()
  await using connection = await connect({ ...server.address, password: "of-address" })
  const created = problem(connection.createQueue())
  const peer = await server.connection()
  expect((await peer.command()).command).toMatchObject({ tag: "NEW", password: "of-address" })
  server.drop()
  await created
})

test("SUB and NSUB tell the service", async () => {
  const serviceId = c.randomBytes(24)
  const sub = await exchange("SUB", { tag: "SOK", serviceId }, (connection) => connection.subscribe(queue))
  expect(sub.result).toEqual({ serviceId })
  expect(sub.peer.verifies(sub.sent, recipientKeys.publicKey)).toBe(true)
  const notifier = { notifierId: recipientId, notifierKey: recipientKeys.privateKey }
  const nsub = await exchange("NSUB", { tag: "SOK" }, (connection) => connection.subscribeNotifier(notifier))
  expect(nsub.result).toEqual({ serviceId: undefined })
  expect(nsub.peer.verifies(nsub.sent, recipientKeys.publicKey)).toBe(true)
})

test("many subscriptions have an outcome each, in order", async () => {
  const refused = new Set([1, 5000])
  const queues = Array.from({ length: 5001 }, (_, i) => ({
    recipientId: Uint8Array.from([i >> 8, i]),
    recipientKey: recipientKeys.privateKey,
  }))
  await using server = await FakeServer.start({
    respond: ({ entityId: [high = 0, low = 0] }) =>
      refused.has(high * 256 + low) ? { tag: "ERR", error: { type: "AUTH" } } : { tag: "SOK" },
  })
  await using connection = await connect(server.address)
  const outcomes = await connection.subscribeMany(queues)
  expect(outcomes.flatMap(({ ok }, i) => (ok ? [] : [i]))).toEqual([1, 5000])
  expect(outcomes[1]).toMatchObject({ ok: false, error: { problem: { code: "ERR", error: { type: "AUTH" } } } })
  const notifiers = queues.slice(0, 3).map((q) => ({ notifierId: q.recipientId, notifierKey: q.recipientKey }))
  const notified = await connection.subscribeNotifiers(notifiers)
  expect(notified.map(({ ok }) => ok)).toEqual([true, false, true])
})

test("GET and ACK give a message or nothing", async () => {
  const msgId = c.randomBytes(24)
  const message = { tag: "MSG", msgId, body: Uint8Array.of(5) } as const
  const received = { recipientId, msgId, body: Uint8Array.of(5) }
  expect((await exchange("GET", message, (connection) => connection.getMessage(queue))).result).toEqual(received)
  expect((await exchange("GET", OK, (connection) => connection.getMessage(queue))).result).toBeUndefined()
  const ack = await exchange("ACK", message, (connection) => connection.acknowledge(queue, msgId))
  expect(ack.result).toEqual(received)
  expect(ack.command.msgId).toEqual(msgId)
  expect((await exchange("ACK", OK, (connection) => connection.acknowledge(queue, msgId))).result).toBeUndefined()
})

test("delivered messages are decrypted, also the mark of a full queue", async () => {
  const dhSecret = c.randomBytes(32)
  const msgId = c.randomBytes(24)
  const content = { kind: "message", timestamp: 1_641_032_645, notify: true, body: Uint8Array.of(1) } as const
  const deliver = (delivered: Parameters<typeof encryptDelivered>[3]): { msgId: Uint8Array; body: Uint8Array } => ({
    msgId,
    body: encryptDelivered(c, c.boxKey(dhSecret), msgId, delivered),
  })
  await using server = await FakeServer.start()
  await using connection = await connect(server.address)
  expect(connection.decryptDelivered({ dhSecret }, deliver(content))).toEqual(content)
  const quota = { kind: "quota", timestamp: 5 } as const
  expect(connection.decryptDelivered({ dhSecret }, deliver(quota))).toEqual(quota)
  expect(connection.decryptDelivered({ dhSecret: new Uint8Array(32) }, deliver(quota))).toBeUndefined()

  const nonce = c.randomBytes(24)
  const meta = encryptNotificationMeta(c, c.boxKey(dhSecret), nonce, { msgId, timestamp: 7 })
  expect(decryptNotification(c, { dhSecret }, { nonce, meta })).toEqual({ msgId, timestamp: 7 })
})

test("NKEY", async () => {
  const serverKeys = c.generateKeyPair("x25519")
  const notifierId = c.randomBytes(24)
  const nid = { tag: "NID", notifierId, dhKey: serverKeys.publicKey } as const
  const made = await exchange("NKEY", nid, (connection) => connection.enableNotifications(queue))
  expect(made.result.notifierId).toEqual(notifierId)
  expect(made.result.dhSecret).toEqual(c.diffieHellman(serverKeys.privateKey, made.command.dhKey))
  expect(c.publicKeyOf(made.result.notifierKey).raw).toEqual(made.command.notifierKey.raw)
  const keys = { authKeys: c.generateKeyPair("x25519"), dhKeys: c.generateKeyPair("x25519") }
  const given = await exchange("NKEY", nid, (connection) => connection.enableNotifications(queue, keys))
  expect(given.command.dhKey.raw).toEqual(keys.dhKeys.publicKey.raw)
})

test("QUE, PING, RSLV", async () => {
  const info = { tag: "INFO", secured: true, hasNotifier: false, size: 3 } as const
  expect((await exchange("QUE", info, (connection) => connection.queueInfo(queue))).result).toMatchObject(info)
  const ping = await exchange("PING", { tag: "PONG" }, (connection) => connection.ping())
  expect(ping.sent.entityId).toHaveLength(0)
  const record: NameRecord = {
    name: "a.simplex",
    nickname: "",
    website: "",
    location: "",
    simplexContact: ["simplex:/a"],
    simplexChannel: [],
    eth: null,
    btc: null,
    xmr: null,
    dot: null,
    owner: "",
    resolver: "",
  }
  const name = await exchange("RSLV", { tag: "RNAME", record }, (connection) => connection.resolveName("A.simplex"))
  expect(name.result).toEqual(record)
  expect(name.command.name).toBe("a.simplex")
})

test("LGET and LKEY give what is behind the link", async () => {
  const lnk = { tag: "LNK", senderId, data } as const
  const get = await exchange("LGET", lnk, (connection) => connection.getLink(linkId))
  expect(get.result).toEqual({ senderId, data })
  expect(get.sent.authorization).toHaveLength(0)
  const key = await exchange("LKEY", lnk, (connection) => connection.secureByLink(linkId, recipientKeys))
  expect(key.result).toEqual({ senderId, data })
  expect(key.peer.verifies(key.sent, recipientKeys.publicKey)).toBe(true)
})
