import { nativeCrypto } from "@sluice/crypto/native"
import { concatBytes, EMPTY, latin1 } from "@sluice/encoding/bytes"
import { encodeWith } from "@sluice/encoding/writer"
import { encodeTransmission } from "@sluice/smp-protocol/transmission"
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { AUTH, authKeys, BLOCK, cmd, createQueue, createQueues, hex, OK, sok } from "../support/queue.ts"
import { newCorrId, type RawClient, type Received, tagsOf } from "../support/raw-client.ts"
import { TestRelay } from "../support/relay.ts"
import { delivered, message, receive, secureAsSender, sendTo } from "../support/steps.ts"
import { versionsFrom } from "../support/versions.ts"

/** transport.md §5.3 and §5.4: what becomes of the transmissions of a block, and of blocks that are none. */
let relay: TestRelay
beforeAll(async () => {
  relay = await TestRelay.start()
})
afterAll(() => relay[Symbol.asyncDispose]())

const PING = { tag: "PING" } as const
const SUB = { tag: "SUB" } as const
const badBlock = { corrId: EMPTY, entityId: EMPTY, message: BLOCK }

describe.each(versionsFrom())("blocks at version %i", (v) => {
  let r: RawClient
  let s: RawClient
  beforeEach(async () => {
    r = await relay.connect({ versions: v })
    s = await relay.connect({ versions: v })
  })
  const content = (...transmissions: readonly Uint8Array[]): Uint8Array =>
    encodeWith((w) => w.list(transmissions, (item, bytes) => item.large(bytes)))
  /** A transmission as it stands in a block, of the connection `s`. */
  const transmission = (corrId: Uint8Array, command: string, entityId = EMPTY, authorization = EMPTY): Uint8Array =>
    encodeTransmission(s.session, { authorization, corrId, entityId, command: latin1(command) })

  test("a block that can't be read is answered with BLOCK, and the connection goes on", async () => {
    const ping = transmission(newCorrId(), "PING")
    const bad = [
      EMPTY,
      content(),
      Uint8Array.of(1),
      content(ping).subarray(0, -1),
      concatBytes(content(ping), Uint8Array.of(0)),
      concatBytes(Uint8Array.of(2), content(ping).subarray(1)),
      concatBytes(Uint8Array.of(0), content(ping).subarray(1)),
      nativeCrypto.randomBytes(16_000),
    ]
    for (const unreadable of bad) {
      s.sendContent(unreadable)
      expect(await s.block()).toEqual([badBlock])
      await s.quiet()
    }
  })

  test("neither is a block that does not decrypt or un-pad the end", async () => {
    for (let i = 0; i < 3; i++) {
      // Encrypted first, so that both sides count it; then made worthless.
      const block = s.session.blockCodec.encode([EMPTY])
      block.fill(0xff)
      s.sendBlock(block)
      expect(await s.block()).toEqual([badBlock])
      await s.quiet()
    }
  })

  test("a transmission that can't be read is an error of its own", async () => {
    const [first, last] = [newCorrId(), newCorrId()]
    const ping = (corrId: Uint8Array): Uint8Array => transmission(corrId, "PING")
    s.sendContent(content(ping(first), EMPTY, Uint8Array.of(3, 1, 2), Uint8Array.of(0), ping(last)))
    const [errors, results] = await s.blocks(2)
    expect(errors).toEqual([badBlock, badBlock, badBlock])
    expect(results).toMatchObject([first, last].map((corrId) => ({ corrId, message: { tag: "PONG" } })))
  })

  test("an authorization of a length that none has", async () => {
    for (const length of [1, 63, 65, 79, 81, 113, 115, 255]) {
      const corrId = newCorrId()
      s.sendContent(content(transmission(corrId, "PING", EMPTY, new Uint8Array(length))))
      expect(await s.block()).toMatchObject([{ corrId, entityId: EMPTY, message: BLOCK }])
      const other = newCorrId()
      // It is looked at before the tag, and before the entity.
      s.sendContent(content(transmission(other, "HELLO", newCorrId(), new Uint8Array(length))))
      expect(await s.block()).toMatchObject([{ corrId: other, entityId: EMPTY, message: BLOCK }])
    }
  })

  if (v >= 16) {
    test("a service signature of another length than 64", async () => {
      for (const length of [0, 63, 65, 114]) {
        const head = encodeWith((w) => w.short(new Uint8Array(64)).maybe(new Uint8Array(length), (f, b) => f.short(b)))
        s.sendContent(
          content(
            concatBytes(
              head,
              encodeWith((w) => w.short(newCorrId()).short(EMPTY).ascii("PING")),
            ),
          ),
        )
        expect(await s.block()).toEqual([badBlock])
      }
    })
  }

  if (v === 6) {
    test("another session id", async () => {
      const { sessionId } = s.session
      const flipped = Uint8Array.from(sessionId, (byte, i) => (i === 0 ? byte ^ 1 : byte))
      for (const wrong of [flipped, EMPTY, r.session.sessionId, sessionId.subarray(1)]) {
        const corrId = newCorrId()
        const params = { ...s.session, sessionId: wrong }
        const command = latin1("PING")
        s.sendContent(content(encodeTransmission(params, { corrId, entityId: newCorrId(), command })))
        const error = { tag: "ERR", error: { type: "SESSION" } }
        expect(await s.block()).toMatchObject([{ corrId, entityId: EMPTY, message: error }])
      }
    })
  } else {
    test("a session id that is sent although it is implied", async () => {
      const params = { ...s.session, implySessionId: false }
      s.sendContent(
        content(encodeTransmission(params, { corrId: newCorrId(), entityId: EMPTY, command: latin1("PING") })),
      )
      const [item] = await s.block()
      expect(item?.message.tag).toBe("ERR")
    })
  }

  test("parse errors, refusals and results leave in blocks of their own, each in the order of the commands", async () => {
    const queues = [await createQueue(r), await createQueue(r)] as const
    const [q1, q2] = queues
    const wrong = authKeys().privateKey
    const unknown = newCorrId()
    const sent = [
      { command: latin1("HELLO"), entity: unknown },
      { command: SUB, ...q1.asRecipient, key: wrong },
      { command: { tag: "QUE" } as const, ...q1.asRecipient },
      { command: SUB },
      { command: PING },
      { command: SUB, entity: unknown, key: wrong },
      { command: { tag: "OFF" } as const, ...q2.asRecipient },
      { command: latin1("SUB "), ...q1.asRecipient },
    ]
    const corrIds = r.send(...sent)
    const [errors = [], ...rest] = await r.blocks(3)
    const compare = (block: readonly Received[], ...expected: readonly (readonly [number, string])[]): void => {
      expect(block.map(({ message: { tag } }) => tag)).toEqual(expected.map(([, tag]) => tag))
      for (const [position, [index]] of expected.entries()) {
        expect(block[position]?.corrId).toEqual(corrIds[index])
        expect(hex(block[position]?.entityId)).toBe(hex(sent[index]?.entity ?? EMPTY))
      }
    }
    compare(errors, [0, "ERR"], [3, "ERR"], [7, "ERR"])
    expect(errors.map(({ message: error }) => error)).toEqual([cmd("UNKNOWN"), cmd("NO_AUTH"), cmd("SYNTAX")])
    const [refusals = [], results = []] = rest.toSorted((a, b) => a.length - b.length)
    compare(refusals, [1, "ERR"], [5, "ERR"])
    expect(refusals.map(({ message: error }) => error)).toEqual([AUTH, AUTH])
    compare(results, [2, "INFO"], [4, "PONG"], [6, "OK"])
  })

  test("several commands of one party: each has the answer that it would have alone", async () => {
    const queues = [await createQueue(r), await createQueue(r), await createQueue(r)] as const
    const [q1, q2, q3] = queues
    await r.ask({ tag: "DEL" }, q3.asRecipient)
    r.send(
      { command: SUB, ...q1.asRecipient },
      { command: { tag: "QUE" }, ...q2.asRecipient },
      { command: { tag: "QUE" }, ...q3.asRecipient },
      { command: { tag: "QUE" }, ...q1.asRecipient, key: q2.keys.privateKey },
      { command: { tag: "GET" }, ...q2.asRecipient },
    )
    const blocks = await r.blocks(2)
    const [refusals, results] = blocks.toSorted((a, b) => a.length - b.length)
    expect(refusals?.map(({ message: error }) => error)).toEqual([AUTH, AUTH])
    expect(results?.map(({ message: answer }) => answer)).toMatchObject([sok(r), { tag: "INFO" }, cmd("PROHIBITED")])
  })

  test("sender and recipient in one connection: MSG before OK, each in its own block", async () => {
    const queue = await createQueue(r)
    await secureAsSender(r, queue).then((answer) => expect(answer).toEqual(v >= 9 ? OK : AUTH))
    for (const text of ["alone", "with others"]) {
      r.send({ command: message(text), ...queue.asSender }, ...(text === "alone" ? [] : [{ command: PING }]))
      const [event = [], answers = []] = await r.blocks(2)
      expect(tagsOf(event)).toEqual(["MSG"])
      expect(tagsOf(answers)).toEqual(text === "alone" ? ["OK"] : ["OK", "PONG"])
      const { id, text: received } = delivered(queue, event[0]?.message ?? OK)
      expect(received).toBe(text)
      expect(await r.ask({ tag: "ACK", msgId: id }, queue.asRecipient)).toEqual(OK)
    }
  })

  test.each([1, 2, 3, 4, 5, 6])("%i SUBs with messages: where the first message goes", async (count) => {
    const queues = await createQueues(s, count, { subscription: "create-only" })
    for (const [i, queue] of queues.entries()) expect(await sendTo(s, queue, `${i}`)).toEqual(OK)
    r.send(...queues.map((queue) => ({ command: SUB, ...queue.asRecipient })))
    const answers: Received[] = []
    const texts: string[] = []
    const take = ({ entityId, message: event }: Received): void => {
      const queue = queues.find(({ ids }) => hex(ids.recipientId) === hex(entityId))
      texts.push(queue?.text(event) ?? "of another queue")
    }
    // All answers come before any message. Up to four of them make one batch with the first message, which needs two
    // blocks where they do not fit: then the first block is the shorter one.
    const together = count <= 4
    while (answers.length + texts.length < (together ? count + 1 : count)) {
      for (const item of await r.block()) {
        if (item.message.tag !== "MSG") answers.push(item)
        else {
          expect(answers).toHaveLength(count)
          take(item)
        }
      }
    }
    expect(texts).toHaveLength(together ? 1 : 0)
    expect(answers.map(({ entityId }) => hex(entityId))).toEqual(queues.map(({ ids }) => hex(ids.recipientId)))
    expect(answers.map(({ message: answer }) => answer)).toEqual(queues.map(() => sok(r)))
    while (texts.length < count) take(await r.event())
    expect(texts.sort()).toEqual(queues.map((_, i) => `${i}`))
    await r.quiet()
  })

  test("up to three SUBs and the first message share a block", async () => {
    // In version 6 each of them is longer by the session id.
    for (const count of v === 6 ? [1] : [1, 2, 3]) {
      const queues = await createQueues(s, count, { subscription: "create-only" })
      const [first] = queues
      if (first !== undefined) await sendTo(s, first, "hello")
      r.send(...queues.map((queue) => ({ command: SUB, ...queue.asRecipient })))
      expect(tagsOf(await r.block())).toEqual([...queues.map(() => sok(r).tag), "MSG"])
    }
  })

  test("300 SUBs take the blocks that the reference takes, and each block has its answers in one", async () => {
    const queues = await createQueues(s, 300, { keys: authKeys(), subscription: "create-only" })
    for (const [i, queue] of queues.entries()) if (i % 100 === 0) expect(await sendTo(s, queue, `${i}`)).toEqual(OK)
    const corrIds = r.send(...queues.map((queue) => ({ command: SUB, ...queue.asRecipient })))
    const perBlock = v === 6 ? 106 : v < 16 ? 136 : 135
    const answers: Received[] = []
    const sizes: number[] = []
    const texts: string[] = []
    while (answers.length < 300 || texts.length < 3) {
      const block = await r.block()
      const [event] = block
      if (event?.message.tag === "MSG") {
        expect(block).toHaveLength(1)
        texts.push(queues.find(({ ids }) => hex(ids.recipientId) === hex(event.entityId))?.text(event.message) ?? "")
      } else {
        sizes.push(block.length)
        answers.push(...block)
      }
    }
    expect(sizes).toEqual([300 - 2 * perBlock, perBlock, perBlock])
    expect(answers.map(({ corrId }) => hex(corrId))).toEqual(corrIds.map(hex))
    expect(answers.every(({ message: answer }) => answer.tag === sok(r).tag)).toBe(true)
    expect(texts.sort()).toEqual(["0", "100", "200"])
  })

  test("255 commands in one block", async () => {
    const corrIds = s.send(...Array.from({ length: 255 }, () => ({ command: PING })))
    const blocks: Received[] = []
    while (blocks.length < 255) blocks.push(...(await s.block()))
    expect(blocks.map(({ corrId }) => hex(corrId))).toEqual(corrIds.map(hex))
  })

  test("SENDs of one block are stored in some order, none twice", async () => {
    const queue = await createQueue(r)
    const texts = ["1", "2", "3", "4", "5", "6"]
    s.send(...texts.map((text) => ({ command: message(text), ...queue.asSender })))
    const answers = await s.block()
    expect(tagsOf(answers)).toEqual(["OK", "OK", "OK", "OK", "ERR", "ERR"])
    const received = [await receive(r, queue)]
    for (let last = received[0]; last !== undefined; ) {
      const answer = await r.ask({ tag: "ACK", msgId: last.id }, queue.asRecipient)
      last = answer.tag === "MSG" ? delivered(queue, answer) : undefined
      if (last !== undefined) received.push(last)
    }
    expect(received.map(({ text }) => text).sort()).toEqual(["(quota)", "1", "2", "3", "4"])
  })
})

test("RSLV is answered on its own, without an entity", async () => {
  const client = await relay.connect()
  const [name, ping] = client.send({ command: { tag: "RSLV", name: "nobody.simplex" } }, { command: PING })
  const blocks = await client.blocks(2)
  const answers = blocks.map(([item]) => item).sort((a) => (a?.message.tag === "PONG" ? 1 : -1))
  expect(blocks.map(({ length }) => length)).toEqual([1, 1])
  const error = { type: "NAME", error: { type: "NO_RESOLVER" } }
  expect(answers).toMatchObject([
    { corrId: name, entityId: EMPTY, message: { tag: "ERR", error } },
    { corrId: ping, message: { tag: "PONG" } },
  ])
})
