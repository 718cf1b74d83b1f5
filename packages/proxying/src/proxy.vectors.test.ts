import type { CryptoBackend } from "@sluice/crypto/backend"
import type { PrivateKey } from "@sluice/crypto/keys"
import { fromHex, toHex } from "@sluice/encoding/bytes"
import { decodeWhole } from "@sluice/encoding/reader"
import { ManualClock } from "@sluice/ops/manual-clock"
import { verifyAuthorization } from "@sluice/smp-protocol/authorization"
import { singleContent } from "@sluice/smp-protocol/batch"
import { decodeResponses, type ReceivedCommand } from "@sluice/smp-protocol/block"
import { SessionBoxKeys } from "@sluice/smp-protocol/box-key-cache"
import { type CommandOf, decodeCommand, encodeCommand } from "@sluice/smp-protocol/commands"
import { type BrokerMessage, decodeBrokerMessage, encodeBrokerMessage } from "@sluice/smp-protocol/messages"
import { openForwarded } from "@sluice/smp-protocol/proxy-envelope"
import { encodeTransmission, forwardedParams, transmissionParams } from "@sluice/smp-protocol/transmission"
import { describe, expect, it } from "vitest"
import { haveVectors } from "../../../test/vectors.ts"
import { backEnds } from "../../smp-protocol/test/back-ends.ts"
import { newSmpArray, otherArray, type VectorFile } from "../../smp-protocol/test/vector-files.ts"
import {
  authKey,
  type BytesOutput,
  type KeyVector,
  outputOf,
  privateKeyOf,
} from "../../smp-protocol/test/vector-values.ts"
import { FakeConnection, fakeSession, type SentRequest } from "../test/fake-connection.ts"
import { Destination, type Forwarded, type RelayTerms, relayTerms } from "./destination.ts"
import { runForwarded } from "./run-forwarded.ts"

/** What a proxy and a relay can see of a case; the inner half is checked where the envelopes are. */
interface ProxyVector {
  readonly name: string
  readonly version: number
  readonly relaySessionId: string
  readonly relaySessionKey: KeyVector
  readonly queueKey: KeyVector | null
  readonly corrId: string
  readonly proxyCorrId: string
  readonly entityId: string
  readonly layer1Secret: string
  readonly layer2Secret: string
  readonly authorized: BytesOutput
  readonly authorization: string
  readonly command: BytesOutput
  /** The client finds its message too large; there is nothing to forward. */
  readonly error?: string
  readonly box1: string
  readonly ephemeralKey: KeyVector
  readonly pfwdCommand: BytesOutput
  readonly rfwdCommand: BytesOutput
  readonly rfwdContent: BytesOutput
  readonly response: BytesOutput
  readonly box1Response: string
  readonly rresCommand: BytesOutput
  readonly presCommand: BytesOutput
}

interface PkeyVector {
  readonly name: string
  readonly relaySessionId: string
  readonly range: readonly [number, number]
  readonly certChainPubKey: string
  readonly command: string
}

const cases = [...otherArray<ProxyVector>("proxy.json", "cases"), ...v20<ProxyVector>("proxyCases")]
const pkeys = [...otherArray<PkeyVector>("proxy.json", "pkey"), ...v20<PkeyVector>("pkey")]

describe.skipIf(!haveVectors)("forwarding against the reference", () => {
  it("has both files to compare with", () => {
    expect(cases.map(({ name }) => name)).toEqual(["proxy.json cases", "smp-commands-v20.json proxyCases"])
    expect(pkeys.map(({ name }) => name)).toEqual(["proxy.json pkey", "smp-commands-v20.json pkey"])
  })

  describe.each(cases)("$name", ({ cases: vectors, latest }) => {
    describe.each(backEnds)("$name", (c) => {
      it.each(vectors.filter(({ error }) => error === undefined))("$name", async (vector) => {
        const hop = new Hop(c, vector)
        const forwarded = hop.destination.forward(fromHex(vector.corrId), pfwdOf(vector, latest))
        const sent = hop.sent(vector, latest)
        const answer = await answerOfRelay(c, vector, sent, latest)
        sent.resolve(answer)
        expectPres(await forwarded, vector, latest)
      })
    })

    it.each(vectors.filter(({ error }) => error !== undefined))("$name", ({ pfwdCommand, rfwdCommand }) => {
      expect([pfwdCommand, rfwdCommand]).toEqual([undefined, undefined])
    })
  })

  describe.each(pkeys)("$name", ({ cases: vectors, latest }) => {
    it.each(vectors)("$name", ({ relaySessionId, range: [min, max], certChainPubKey, command }) => {
      const session = fakeSession(
        { min, max },
        { sessionId: fromHex(relaySessionId), certifiedServerKey: certifiedKey(certChainPubKey) },
      )
      // What the proxy makes of the relay's handshake is the reference's PKEY, byte for byte.
      const { pkey } = usable(relayTerms(backEnds[0] as CryptoBackend, session, { min: 8, max: 20 }))
      expect(toHex(encodeBrokerMessage(pkey, latest))).toBe(command)
      expect(decodeBrokerMessage(fromHex(command), latest)).toEqual(pkey)
    })
  })
})

/** The connection between proxy and relay of one vector, its random bytes given. */
class Hop {
  readonly destination: Destination
  readonly #connection: FakeConnection

  constructor(c: CryptoBackend, vector: ProxyVector) {
    const crypto: CryptoBackend = { ...c, randomBytes: () => fromHex(vector.proxyCorrId) }
    const sessionId = fromHex(vector.relaySessionId)
    this.#connection = new FakeConnection(
      fakeSession(undefined, { sessionId, sessionSecret: fromHex(vector.layer2Secret) }),
    )
    const terms = usable(relayTerms(c, this.#connection.session, { min: 8, max: 20 }))
    const silence = { interval: 600_000, timeouts: 3, silence: 900_000 }
    this.destination = new Destination(
      { crypto, clock: new ManualClock(), connection: this.#connection, terms, own: false },
      { responseTimeout: 30_000, maxInFlight: 10, silence },
    )
  }

  /** The request, which must be the vector's. */
  sent({ proxyCorrId, rfwdCommand, rfwdContent }: ProxyVector, v: number): SentRequest {
    const { last } = this.#connection
    expect(toHex(last.corrId)).toBe(proxyCorrId)
    const command = encodeCommand(last.command, v)
    expect(outputOf(command)).toEqual(rfwdCommand)
    const params = transmissionParams(v, new Uint8Array(32))
    const parts = { corrId: last.corrId, entityId: new Uint8Array(0), command }
    expect(outputOf(singleContent(encodeTransmission(params, parts)))).toEqual(rfwdContent)
    return last
  }
}

/** What the relay does with the request: opens it, verifies the sender, answers as the vector says. */
async function answerOfRelay(
  c: CryptoBackend,
  vector: ProxyVector,
  sent: SentRequest,
  v: number,
): Promise<BrokerMessage> {
  const sessionKey = x25519Private(vector.relaySessionKey)
  const session = {
    sessionId: fromHex(vector.relaySessionId),
    sessionKey,
    sessionSecret: fromHex(vector.layer2Secret),
  }
  const prohibited = vector.name.includes("prohibited")
  let executed = 0
  const execute = (received: ReceivedCommand, version: number): BrokerMessage => {
    executed++
    expect(version).toBe(vector.version)
    expect(toHex(received.corrId)).toBe(vector.corrId)
    expect(toHex(received.entityId)).toBe(vector.entityId)
    expect(toHex(received.authorization)).toBe(vector.authorization)
    expect(outputOf(received.signed.bytes())).toEqual(vector.authorized)
    expect(outputOf(encodeCommand(received.command, version))).toEqual(vector.command)
    if (vector.queueKey !== null) {
      const verifier = { crypto: c, sessionKey, boxKeys: new SessionBoxKeys(1) }
      const { authorization, corrId, signed } = received
      expect(verifyAuthorization(verifier, [authKey(vector.queueKey.pub)], authorization, signed.bytes(), corrId)).toBe(
        true,
      )
    }
    const answer = relayAnswer(c, vector)
    expect(outputOf(encodeBrokerMessage(answer, version))).toEqual(vector.response)
    return answer
  }
  const answer = await runForwarded(c, session, { corrId: sent.corrId, request: sent.command.request }, { execute })
  expect(executed).toBe(prohibited ? 0 : 1)
  expect(outputOf(encodeBrokerMessage(answer, v))).toEqual(vector.rresCommand)
  return answer
}

/** What the relay is to answer. Long answers are only in the box that the client gets, so that is where they all come from. */
function relayAnswer(c: CryptoBackend, vector: ProxyVector): BrokerMessage {
  const key = c.boxKey(fromHex(vector.layer1Secret))
  const content = openForwarded(c, key, fromHex(vector.corrId), "response", fromHex(vector.box1Response))
  const params = forwardedParams(vector.version, fromHex(vector.relaySessionId))
  const [response] = decodeResponses(content ?? new Uint8Array(0), params)
  if (response?.ok !== true) throw new Error("a good response was expected")
  return response.message
}

function expectPres(forwarded: Forwarded, { presCommand }: ProxyVector, v: number): void {
  if (!forwarded.ok) throw new Error("PRES was expected")
  expect(outputOf(encodeBrokerMessage(forwarded.message, v))).toEqual(presCommand)
}

function pfwdOf({ version, ephemeralKey, box1, pfwdCommand }: ProxyVector, v: number): CommandOf<"PFWD"> {
  const key = authKey(ephemeralKey.pub)
  if (key.algorithm !== "x25519") throw new Error("X25519 key expected")
  const bytes = encodeCommand({ tag: "PFWD", version, key: key, request: fromHex(box1) }, v)
  expect(outputOf(bytes)).toEqual(pfwdCommand)
  const command = decodeCommand(bytes, v)
  if (command.tag !== "PFWD") throw new Error("PFWD expected")
  return command
}

/** `list large certificates ‖ large signed key`. */
function certifiedKey(hex: string): { chain: Uint8Array[]; signedKey: Uint8Array } {
  return decodeWhole(fromHex(hex), (r) => ({
    chain: r.nonEmpty((item) => item.large("certificate"), "certificates"),
    signedKey: r.large("signed key"),
  }))
}

function usable(terms: ReturnType<typeof relayTerms>): RelayTerms {
  if ("type" in terms) throw new Error("usable terms were expected")
  return terms
}

function x25519Private(key: KeyVector): PrivateKey<"x25519"> {
  const decoded = privateKeyOf(key)
  if (decoded.algorithm !== "x25519") throw new Error("X25519 key expected")
  return decoded
}

/** Arrays of the reference's newer file; the project's own vectors have boxes as digests only. */
function v20<T>(array: string): VectorFile<T>[] {
  return newSmpArray<T>(array).filter(({ name }) => name.startsWith("smp-commands-v20.json"))
}
