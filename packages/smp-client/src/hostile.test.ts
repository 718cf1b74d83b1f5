import { nativeCrypto as c } from "@sluice/crypto/native"
import { singleContent } from "@sluice/smp-protocol/batch"
import { encodeTransmission } from "@sluice/smp-protocol/transmission"
import fc from "fast-check"
import { expect, test } from "vitest"
import { FakeServer } from "../test/fake-server.ts"
import { problem } from "../test/problem.ts"
import { connect } from "./connect.ts"
import type { ConnectionEvent } from "./events.ts"

/** A marker that the client must still understand after whatever came before it. */
const END = c.randomBytes(24)

/** Sends blocks made by `make`, and after each a good event; gives what the client made of each. */
async function throwAt(send: (peer: Awaited<ReturnType<FakeServer["connection"]>>, i: number) => void, count: number) {
  await using server = await FakeServer.start()
  await using connection = await connect(server.address)
  const peer = await server.connection()
  const stream = connection.events.stream()
  const results: ConnectionEvent[][] = []
  for (let i = 0; i < count; i++) {
    send(peer, i)
    peer.event(END, { tag: "END" })
    const seen: ConnectionEvent[] = []
    for (;;) {
      const { value } = await stream.next()
      if (value === undefined) throw new Error("the connection ended")
      if (value.type === "end" && Buffer.compare(value.entityId, END) === 0) break
      seen.push(value)
    }
    results.push(seen)
  }
  expect(connection.open).toBe(true)
  return results
}

test("blocks that do not decrypt are events, and the next one is understood", async () => {
  const results = await throwAt((peer) => {
    // The cipher must take its step for the client's to follow.
    const block = peer.session.blockCodec.encode([Uint8Array.of(1)])
    block[100] = (block[100] ?? 0) ^ 1
    peer.stream.write(block)
  }, 5)
  for (const events of results) expect(events).toEqual([{ type: "unreadable", error: { type: "BLOCK" } }])
})

test("blocks with random content never do harm", async () => {
  const contents = fc.sample(
    fc.oneof(fc.uint8Array({ maxLength: 400 }), fc.uint8Array({ minLength: 16_000, maxLength: 16_366 })),
    150,
  )
  const results = await throwAt((peer, i) => peer.content(contents[i] ?? new Uint8Array()), contents.length)
  for (const events of results) {
    expect(events.length).toBeGreaterThan(0)
    expect(events.every(({ type }) => type === "unreadable" || type === "unexpected")).toBe(true)
  }
})

test("well-framed transmissions with random commands never do harm", async () => {
  const tags = ["IDS", "LNK", "SOK", "SOKS", "MSG", "NID", "NMSG", "PKEY", "INFO", "ERR", "RNAME", "ENDS", "HELLO", ""]
  const commands = fc.sample(
    fc.tuple(fc.constantFrom(...tags), fc.uint8Array({ maxLength: 120 }), fc.boolean(), fc.boolean()),
    300,
  )
  await throwAt((peer, i) => {
    const [tag = "", rest = new Uint8Array(), withId, withEntity] = commands[i] ?? []
    const command = Buffer.concat([Buffer.from(`${tag} `), rest])
    const corrId = withId === true ? c.randomBytes(24) : new Uint8Array()
    const entityId = withEntity === true ? c.randomBytes(24) : new Uint8Array()
    peer.content(singleContent(encodeTransmission(peer.session, { corrId, entityId, command })))
  }, commands.length)
})

test("an unreadable answer rejects its command and no other", async () => {
  await using server = await FakeServer.start()
  await using connection = await connect(server.address)
  const senderId = c.randomBytes(24)
  const bad = connection.sendMessage({ senderId }, Uint8Array.of(1))
  const good = connection.sendMessage({ senderId }, Uint8Array.of(2))
  const peer = await server.connection()
  const { corrId } = await peer.command(0)
  const command = Buffer.from("OK and more")
  peer.content(singleContent(encodeTransmission(peer.session, { corrId, entityId: senderId, command })))
  peer.reply(await peer.command(1), { tag: "OK" })
  expect(await problem(bad)).toEqual({ code: "UNPARSABLE", command: "SEND" })
  await good
})

test("half a block at the end of the stream is a lost connection", async () => {
  await using server = await FakeServer.start()
  await using connection = await connect(server.address)
  const closed = connection.events.once("closed")
  await server.connection()
  server.drop()
  expect((await closed).error.problem).toEqual({ code: "LOST" })
})
