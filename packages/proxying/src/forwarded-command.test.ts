import { dhBoxKey } from "@sluice/crypto/box"
import { publicKey } from "@sluice/crypto/keys"
import { nativeCrypto as c } from "@sluice/crypto/native"
import { utf8 } from "@sluice/encoding/bytes"
import { batchTransmissions, singleContent } from "@sluice/smp-protocol/batch"
import { decodeResponses, type ParsedResponse, type ReceivedCommand } from "@sluice/smp-protocol/block"
import { encodeCommand } from "@sluice/smp-protocol/commands"
import type { SmpError } from "@sluice/smp-protocol/errors"
import type { BrokerMessage } from "@sluice/smp-protocol/messages"
import { openForwarded, openResponse, sealForwarded, sealRequest } from "@sluice/smp-protocol/proxy-envelope"
import { encodeTransmission, forwardedParams } from "@sluice/smp-protocol/transmission"
import fc from "fast-check"
import { beforeEach, describe, expect, it } from "vitest"
import { ForwardedCommand, type HopSession } from "./forwarded-command.ts"
import { NO_KEY } from "./proxy-error.ts"
import { type ForwardedExecutor, runForwarded } from "./run-forwarded.ts"

const VERSION = 20
const relayKeys = c.generateKeyPair("x25519")
const proxyKeys = c.generateKeyPair("x25519")
const clientKeys = c.generateKeyPair("x25519")
const SESSION: HopSession & { sessionSecret: Uint8Array } = {
  sessionId: c.randomBytes(32),
  sessionKey: relayKeys.privateKey,
  sessionSecret: c.diffieHellman(relayKeys.privateKey, proxyKeys.publicKey),
}
const LAYER1 = dhBoxKey(c, clientKeys.privateKey, relayKeys.publicKey) ?? c.boxKey(new Uint8Array(32))
const LAYER2 = c.boxKey(SESSION.sessionSecret)
const CORR_ID = c.randomBytes(24)
const HOP_CORR_ID = c.randomBytes(24)
const SENDER_ID = c.randomBytes(24)
const PARAMS = forwardedParams(VERSION, SESSION.sessionId)

let executed: ReceivedCommand[]
let counted: number
let executor: ForwardedExecutor

beforeEach(() => {
  executed = []
  counted = 0
  executor = {
    execute: (received, version) => {
      expect(version).toBe(VERSION)
      executed.push(received)
      return { tag: "OK" }
    },
    forwarded: () => counted++,
  }
})

function transmission(command: Uint8Array, entityId = SENDER_ID, authorization?: Uint8Array): Uint8Array {
  return encodeTransmission(PARAMS, { corrId: CORR_ID, entityId, command, authorization })
}

const SEND = encodeCommand({ tag: "SEND", flags: { notification: false }, body: utf8("hello") }, VERSION)

/** An `RFWD` with this content of the inner block. */
function request(content: Uint8Array, key = clientKeys.publicKey): Uint8Array {
  const box = sealForwarded(c, LAYER1, CORR_ID, "request", content)
  return sealRequest(c, LAYER2, HOP_CORR_ID, { corrId: CORR_ID, version: VERSION, key, box })
}

function run(box: Uint8Array, session: HopSession = SESSION): Promise<BrokerMessage> {
  return runForwarded(c, session, { corrId: HOP_CORR_ID, request: box }, executor)
}

/** What the client finds in the answer. */
function inside(answer: BrokerMessage): ParsedResponse {
  if (answer.tag !== "RRES") throw new Error(`RRES was expected, not ${answer.tag}`)
  const response = openResponse(c, LAYER2, HOP_CORR_ID, answer.response)
  if (typeof response === "string") throw new Error(response)
  expect(response.corrId).toEqual(CORR_ID)
  const content = openForwarded(c, LAYER1, CORR_ID, "response", response.box)
  const [parsed, ...more] = decodeResponses(content ?? new Uint8Array(0), PARAMS)
  if (parsed === undefined || more.length > 0) throw new Error("one response was expected")
  return parsed
}

const err = (error: SmpError): BrokerMessage => ({ tag: "ERR", error })

describe("a command that was forwarded", () => {
  it("is run, and answered inside", async () => {
    const answer = inside(await run(request(singleContent(transmission(SEND)))))
    expect(answer).toEqual({ ok: true, corrId: CORR_ID, entityId: SENDER_ID, message: { tag: "OK" } })
    expect(executed).toHaveLength(1)
    expect(executed[0]).toMatchObject({ corrId: CORR_ID, entityId: SENDER_ID })
    expect(executed[0]?.command).toEqual({ tag: "SEND", flags: { notification: false }, body: utf8("hello") })
    expect(counted).toBe(1)
  })

  it("is authorized over the session of the proxy's connection", async () => {
    const authorization = c.randomBytes(64)
    await run(request(singleContent(transmission(SEND, SENDER_ID, authorization))))
    const [received] = executed
    expect(received?.authorization).toEqual(authorization)
    expect(received?.signed.bytes().subarray(0, 33)).toEqual(Uint8Array.of(32, ...SESSION.sessionId))
  })

  it("carries errors inside", async () => {
    executor = { execute: () => err({ type: "QUOTA" }) }
    expect(inside(await run(request(singleContent(transmission(SEND)))))).toMatchObject({
      message: err({ type: "QUOTA" }),
    })
  })

  it("gets errors in the form of its version", async () => {
    executor = { execute: () => err({ type: "BLOCKED", reason: "spam" }) }
    const box = sealForwarded(c, LAYER1, CORR_ID, "request", singleContent(transmission(SEND)))
    const forwarded = { corrId: CORR_ID, version: 11, key: clientKeys.publicKey, box }
    const answer = await run(sealRequest(c, LAYER2, HOP_CORR_ID, forwarded))
    expect(inside(answer)).toMatchObject({ message: err({ type: "AUTH" }) })
  })

  it("passes on what the executor throws", async () => {
    executor = { execute: () => Promise.reject(new Error("a defect")) }
    await expect(run(request(singleContent(transmission(SEND))))).rejects.toThrow("a defect")
  })
})

describe("what the proxy is told in clear", () => {
  it.each<[string, () => [Uint8Array, HopSession?], SmpError]>([
    [
      "a connection without secret",
      () => [request(singleContent(transmission(SEND))), { ...SESSION, sessionSecret: undefined }],
      NO_KEY,
    ],
    [
      "a connection without key",
      () => [request(singleContent(transmission(SEND))), { ...SESSION, sessionKey: undefined }],
      NO_KEY,
    ],
    ["layer 2 does not open", () => [changed(request(singleContent(transmission(SEND))), 20)], { type: "CRYPTO" }],
    ["layer 2 is too short", () => [new Uint8Array(15)], { type: "CRYPTO" }],
    [
      "layer 2 is malformed",
      () => [c.seal(LAYER2, HOP_CORR_ID, utf8("not a request"))],
      { type: "CMD", error: "SYNTAX" },
    ],
    ["layer 2 is empty", () => [c.seal(LAYER2, HOP_CORR_ID, new Uint8Array(0))], { type: "CMD", error: "SYNTAX" }],
    ["layer 1 does not open", () => [hop(changed(layer1(singleContent(transmission(SEND))), 5))], { type: "CRYPTO" }],
    [
      "layer 1 does not un-pad",
      () => [hop(c.seal(LAYER1, CORR_ID, new Uint8Array(16_226).fill(0xff)))],
      { type: "CRYPTO" },
    ],
    ["layer 1 is empty", () => [hop(new Uint8Array(0))], { type: "CRYPTO" }],
    [
      "the client's key has low order",
      () => [request(singleContent(transmission(SEND)), publicKey("x25519", new Uint8Array(32)))],
      { type: "CRYPTO" },
    ],
    ["two transmissions", () => [request(contentOf([transmission(SEND), transmission(SEND)]))], { type: "BLOCK" }],
    ["two unreadable ones", () => [request(contentOf([new Uint8Array(0), new Uint8Array(0)]))], { type: "BLOCK" }],
  ])("%s", async (_what, make, error) => {
    const [box, session] = make()
    expect(await run(box, session)).toEqual(err(error))
    expect(executed).toHaveLength(0)
    expect(counted).toBe(0)
  })

  it("an answer that does not fit", async () => {
    const data = { fixed: new Uint8Array(9000), user: new Uint8Array(9000) }
    executor = { execute: () => ({ tag: "LNK", senderId: SENDER_ID, data }) }
    const lget = encodeCommand({ tag: "LGET" }, VERSION)
    expect(await run(request(singleContent(transmission(lget))))).toEqual(err({ type: "BLOCK" }))
  })

  function layer1(content: Uint8Array): Uint8Array {
    return sealForwarded(c, LAYER1, CORR_ID, "request", content)
  }

  function hop(box: Uint8Array): Uint8Array {
    const { publicKey: key } = clientKeys
    return sealRequest(c, LAYER2, HOP_CORR_ID, { corrId: CORR_ID, version: VERSION, key, box })
  }
})

describe("what the client is told inside", () => {
  const EMPTY = new Uint8Array(0)
  const key = c.generateKeyPair("ed25519").publicKey
  const signature = new Uint8Array(64)

  it.each<[string, Uint8Array, SmpError, boolean]>([
    ["an empty block", EMPTY, { type: "BLOCK" }, false],
    ["no transmission", Uint8Array.of(0), { type: "BLOCK" }, false],
    ["bytes behind it", Uint8Array.of(...singleContent(transmission(SEND)), 1), { type: "BLOCK" }, false],
    ["fields that do not parse", singleContent(Uint8Array.of(0, 24, 1)), { type: "BLOCK" }, false],
    ["an unknown tag", singleContent(transmission(utf8("XYZ"))), { type: "CMD", error: "UNKNOWN" }, true],
    [
      "parameters that do not parse",
      singleContent(transmission(utf8("SKEY abc"))),
      { type: "CMD", error: "SYNTAX" },
      true,
    ],
    ["no authorization", singleContent(transmission(skey())), { type: "CMD", error: "NO_AUTH" }, true],
    ["no entity", singleContent(transmission(SEND, EMPTY)), { type: "CMD", error: "NO_ENTITY" }, false],
    ["SUB", singleContent(transmission(utf8("SUB"), SENDER_ID, signature)), { type: "CMD", error: "PROHIBITED" }, true],
    ["DEL", singleContent(transmission(utf8("DEL"), SENDER_ID, signature)), { type: "CMD", error: "PROHIBITED" }, true],
    ["NEW", singleContent(transmission(newQueue(), EMPTY, signature)), { type: "CMD", error: "PROHIBITED" }, false],
    ["PING", singleContent(transmission(utf8("PING"), EMPTY)), { type: "CMD", error: "PROHIBITED" }, false],
    ["RFWD", singleContent(transmission(rfwd(), EMPTY)), { type: "CMD", error: "PROHIBITED" }, false],
  ])("%s", async (_what, content, error, named) => {
    const answer = inside(await run(request(content)))
    expect(answer).toMatchObject({ message: err(error) })
    expect(answer.entityId).toEqual(named ? SENDER_ID : EMPTY)
    expect(answer.corrId).toEqual(error.type === "BLOCK" ? EMPTY : CORR_ID)
    expect(executed).toHaveLength(0)
    expect(counted).toBe(1)
  })

  function skey(): Uint8Array {
    return encodeCommand({ tag: "SKEY", senderKey: key }, VERSION)
  }

  function newQueue(): Uint8Array {
    const { publicKey: dhKey } = c.generateKeyPair("x25519")
    return encodeCommand({ tag: "NEW", recipientKey: key, dhKey, subscription: "subscribe" }, VERSION)
  }

  function rfwd(): Uint8Array {
    return encodeCommand({ tag: "RFWD", request: new Uint8Array(100) }, VERSION)
  }
})

it("meets hostile bytes on every level with its own errors", async () => {
  const inner = fc.uint8Array({ maxLength: 200 })
  await fc.assert(
    fc.asyncProperty(inner, fc.constantFrom(0, 1, 2), async (bytes, level) => {
      const sealed = [bytes, c.seal(LAYER2, HOP_CORR_ID, bytes), request(bytes)][level] ?? bytes
      const answer = await run(sealed)
      expect(["ERR", "RRES"]).toContain(answer.tag)
      if (level < 2) expect(answer.tag).toBe("ERR")
    }),
    { numRuns: 300 },
  )
})

it("tells what is inside before it is run, so that look-ups of names can go their own way", () => {
  const rslv = encodeCommand({ tag: "RSLV", name: "alice.simplex" }, VERSION)
  const box = request(singleContent(transmission(rslv, new Uint8Array(0))))
  const opened = ForwardedCommand.open(c, SESSION, { corrId: HOP_CORR_ID, request: box })
  expect(opened).toMatchObject({ version: VERSION, inside: { run: true, received: { command: { tag: "RSLV" } } } })
})

function changed(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.with(at, (bytes[at] ?? 0) ^ 1)
}

function contentOf(transmissions: readonly Uint8Array[]): Uint8Array {
  const [block] = batchTransmissions(transmissions)
  if (block?.fits !== true) throw new Error("too large")
  return block.content
}
