import { once } from "node:events"
import { createServer } from "node:http"
import { nativeCrypto as c } from "@sluice/crypto/native"
import { concatBytes, EMPTY, utf8 } from "@sluice/encoding/bytes"
import type { BrokerMessage } from "@sluice/smp-protocol/messages"
import type { NameRecord } from "@sluice/smp-protocol/messages/name"
import { sealRequest } from "@sluice/smp-protocol/proxy-envelope"
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { AUTH, authKeys, BLOCK, cmd, createQueue, LARGE_MSG, newQueue, OK, type TestQueue } from "../support/queue.ts"
import { newCorrId, type RawClient } from "../support/raw-client.ts"
import { TestRelay } from "../support/relay.ts"
import { message, receive, secure } from "../support/steps.ts"
import { addressOf } from "./addresses.ts"
import { type Answer, Forwarder, type Liberties } from "./forwarded.ts"

/*
 * What proxy.md §6, §7 and §10 ask of proxy and relay byte by byte: who answers what, and whether the proxy can read it.
 * P is the proxy and R another relay; the first of both runs is with P = R.
 */

const RECORD: NameRecord = {
  ...{ name: "alice.simplex", nickname: "Alice", website: "", location: "", owner: "0x01", resolver: "" },
  ...{ simplexContact: [], simplexChannel: [], eth: null, btc: null, xmr: null, dot: null },
}

/** A name resolver that knows alice.simplex. */
const resolver = createServer((request, response) => {
  const known = request.url === "/resolve/alice.simplex" || request.url === "/health"
  response.writeHead(known ? 200 : 404, { "content-type": "application/json" }).end(JSON.stringify(RECORD))
})

let one: TestRelay
let other: TestRelay
beforeAll(async () => {
  await once(resolver.listen(0, "127.0.0.1"), "listening")
  const address = resolver.address()
  if (address === null || typeof address === "string") throw new Error("no port")
  const settings = {
    "proxy.allow_private": true,
    "names.enabled": true,
    "names.endpoint": `http://127.0.0.1:${address.port}/`,
  }
  one = await TestRelay.start({ store: "memory", settings })
  other = await TestRelay.start({ store: "memory", settings })
})
afterAll(async () => {
  await one[Symbol.asyncDispose]()
  await other[Symbol.asyncDispose]()
  resolver.closeAllConnections()
  resolver.close()
})

const NO_SESSION: BrokerMessage = { tag: "ERR", error: { type: "PROXY", error: { type: "NO_SESSION" } } }

/** An error that the relay gave to the proxy in clear, as the client gets it. */
function inClear(type: "CRYPTO" | "BLOCK"): Answer {
  return {
    sealed: false,
    message: { tag: "ERR", error: { type: "PROXY", error: { type: "PROTOCOL", error: { type } } } },
  }
}

describe.each<readonly [string, () => TestRelay]>([
  ["P = R", () => one],
  ["P and R", () => other],
])("%s", (_name, destination) => {
  let sender: RawClient
  let recipient: RawClient
  let queue: TestQueue
  let forwarder: Forwarder
  beforeEach(async () => {
    sender = await one.connect()
    recipient = await destination().connect()
    queue = await createQueue(recipient)
    forwarder = await Forwarder.open(sender, destination())
  })

  /** Forwards a message to the queue. */
  const send = (liberties: Liberties = {}): Promise<Answer> =>
    forwarder.forward([{ command: message("hello"), ...queue.asSender }], liberties)

  test("case 3: PRXY again, and by another client, gives the same session", async () => {
    const { pkey } = forwarder
    for (const client of [sender, await one.connect()]) {
      expect((await Forwarder.open(client, destination())).pkey).toEqual(pkey)
    }
  })

  test("case 4: a message arrives, and its answer has the ids of the command", async () => {
    const answer = await send()
    expect(answer).toMatchObject({ sealed: true, entityId: queue.ids.senderId, message: OK })
    expect((await receive(recipient, queue)).text).toBe("hello")
  })

  test("case 5: a session that is not there", async () => {
    expect(await send({ sessionId: utf8("bad session") })).toEqual({ sealed: false, message: NO_SESSION })
    await recipient.quiet()
  })

  test.each(["ed25519", "ed448", "x25519"] as const)(
    "case 6: signed, or not as the queue demands, %s",
    async (algorithm) => {
      await secure(recipient, queue, authKeys(algorithm))
      expect(await send()).toMatchObject({ sealed: true, message: OK })
      const { senderId: entity } = queue.ids
      const { privateKey: key } = authKeys(algorithm)
      for (const who of [{ entity }, { entity, key }, { entity: newCorrId(), key }]) {
        const answer = await forwarder.forward([{ command: message("hello"), ...who }])
        expect(answer).toMatchObject({ sealed: true, entityId: who.entity, message: AUTH })
      }
      expect((await receive(recipient, queue)).text).toBe("hello")
      await recipient.quiet()
    },
  )

  test("everything that senders do not do is prohibited, whoever signs it", async () => {
    const { command, keys } = newQueue()
    const answers = [
      await forwarder.forward([{ command, key: keys.privateKey }]),
      await forwarder.forward([{ command: { tag: "SUB" }, ...queue.asRecipient }]),
      await forwarder.forward([{ command: { tag: "DEL" }, ...queue.asRecipient }]),
      await forwarder.forward([{ command: { tag: "PING" } }]),
      await forwarder.forward([{ command: { tag: "PRXY", server: addressOf(other) } }]),
    ]
    for (const answer of answers) expect(answer).toMatchObject({ sealed: true, message: cmd("PROHIBITED") })
    expect(await send()).toMatchObject({ message: OK })
  })

  test("errors of the command inside are sealed", async () => {
    const entity = queue.ids.senderId
    const forwarded = async (command: Uint8Array, who = {}): Promise<unknown> => {
      const answer = await forwarder.forward([{ command, entity, ...who }])
      return answer.sealed ? answer.message : "in clear"
    }
    expect(await forwarded(utf8("NONE"))).toEqual(cmd("UNKNOWN"))
    expect(await forwarded(utf8("SEND"))).toEqual(cmd("SYNTAX"))
    expect(await forwarded(utf8("SEND F hello"), { entity: EMPTY })).toEqual(cmd("NO_ENTITY"))
    expect(await forwarded(concatBytes(utf8("SEND F "), c.randomBytes(16_100)))).toEqual(LARGE_MSG)
  })

  test("two transmissions in a block are refused in clear, neither of them run", async () => {
    const sending = { command: message("hello"), ...queue.asSender }
    expect(await forwarder.forward([sending, sending])).toEqual(inClear("BLOCK"))
    await recipient.quiet()
  })

  test.each<readonly [string, (transmissions: readonly Uint8Array[]) => Uint8Array]>([
    ["nothing", () => EMPTY],
    ["a count of 0", () => Uint8Array.of(0)],
    ["a count without a transmission", () => Uint8Array.of(1)],
    ["fields that can't be read", () => Uint8Array.of(1, 0, 1, 200)],
    [
      "bytes after the transmission",
      ([only = EMPTY]) => concatBytes(Uint8Array.of(1, only.length >> 8, only.length & 255), only, Uint8Array.of(0)),
    ],
  ])("a block that holds %s is answered with BLOCK, sealed", async (_what, content) => {
    const answer = await send({ content })
    expect(answer).toEqual({ sealed: true, corrId: EMPTY, entityId: EMPTY, message: BLOCK })
    await recipient.quiet()
  })

  test("a box that was changed on the way is refused in clear", async () => {
    for (const at of [0, 20, 16_241]) {
      const flipped = await send({ box: (box) => box.map((byte, i) => (i === at ? byte ^ 1 : byte)) })
      expect(flipped).toEqual(inClear("CRYPTO"))
    }
    expect(await send()).toMatchObject({ message: OK })
    expect((await receive(recipient, queue)).text).toBe("hello")
    await recipient.quiet()
  })

  test("RSLV, with a resolver", async () => {
    const resolve = (name: string): Promise<Answer> => forwarder.forward([{ command: { tag: "RSLV", name } }])
    expect(await resolve("alice.simplex")).toMatchObject({ sealed: true, message: { tag: "RNAME", record: RECORD } })
    const error = { type: "NAME", error: { type: "NOT_FOUND" } }
    expect(await resolve("bob.simplex")).toMatchObject({ sealed: true, message: { tag: "ERR", error } })
  })
})

describe("RFWD, as a proxy sends it", () => {
  let hop: RawClient
  beforeEach(async () => {
    hop = await other.connect({ versions: 20 })
  })

  const rfwd = async (request: Uint8Array, corrId = newCorrId()): Promise<BrokerMessage> =>
    hop.ask({ tag: "RFWD", request }, { corrId })

  test("a box that does not open", async () => {
    expect(await rfwd(c.randomBytes(16_330))).toEqual({ tag: "ERR", error: { type: "CRYPTO" } })
  })

  test("a box of something else", async () => {
    const { sessionSecret } = hop.session
    if (sessionSecret === undefined) throw new Error("no session key was agreed on")
    const [corrId, key] = [newCorrId(), c.boxKey(sessionSecret)]
    expect(await rfwd(c.seal(key, corrId, utf8("something else")), corrId)).toEqual(cmd("SYNTAX"))
    const { publicKey } = c.generateKeyPair("x25519")
    const inner = { corrId: newCorrId(), version: 20, key: publicKey, box: c.randomBytes(16_242) }
    expect(await rfwd(sealRequest(c, key, corrId, inner), corrId)).toEqual({ tag: "ERR", error: { type: "CRYPTO" } })
  })

  test("a connection without a session key", async () => {
    hop = await other.connect({ versions: 20, sessionKey: false })
    const error = { type: "PROXY", error: { type: "BROKER", error: { type: "TRANSPORT", error: "NO_AUTH" } } }
    expect(await rfwd(c.randomBytes(16_330))).toEqual({ tag: "ERR", error })
  })
})

describe("13, 14: relays of other versions", () => {
  test.each([
    [7, "VERSION"],
    [8, undefined],
    [13, undefined],
    [14, undefined],
  ])("a relay that speaks up to version %i", async (maxVersion, refused) => {
    await using old = await TestRelay.start({ store: "memory", settings: { "relay.max_version": maxVersion } })
    const sender = await one.connect()
    const answer = await sender.ask({ tag: "PRXY", server: addressOf(old) })
    if (refused !== undefined) {
      const error = { type: "PROXY", error: { type: "BROKER", error: { type: "TRANSPORT", error: refused } } }
      expect(answer).toEqual({ tag: "ERR", error })
      return
    }
    if (answer.tag !== "PKEY") throw new Error(`PRXY was answered with ${JSON.stringify(answer)}`)
    const recipient = await old.connect({ versions: maxVersion })
    const queue = await createQueue(recipient)
    const forwarder = await Forwarder.open(sender, old, answer.versions.max)
    expect(await forwarder.forward([{ command: message("hello"), ...queue.asSender }])).toMatchObject({ message: OK })
    expect((await receive(recipient, queue)).text).toBe("hello")
  })
})
