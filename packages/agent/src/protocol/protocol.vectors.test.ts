import { decodePublicKey, keyForPlace } from "@sluice/crypto/keys"
import { nativeCrypto } from "@sluice/crypto/native"
import { fromHex, toHex } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import { decodeWhole } from "@sluice/encoding/reader"
import { parseServerAddress } from "@sluice/encoding/server-address"
import { decodeE2eParams } from "@sluice/ratchet/e2e-params"
import { paddedConfirmationLength, paddedMessageLength } from "@sluice/ratchet/sizes"
import { readQueueUri } from "@sluice/short-links/queue-uri"
import { describe, expect, it } from "vitest"
import { haveVectors } from "../../../../test/vectors.ts"
import { agentVectors, named } from "../../test/vector-values.ts"
import type { AMessage } from "./a-message.ts"
import { type AgentMessage, decodeAgentMessage, encodeAgentMessage, messageLetters } from "./agent-message.ts"
import { type AgentEnvelope, decodeEnvelope, encodeEnvelope } from "./envelope.ts"
import { formatInitialKeys, type InitialKeys, initialKeysPlan } from "./initial-keys.ts"
import { formatIntegrity, type Integrity } from "./integrity.ts"
import { encodeQueueInfo, type QueueInfo, readQueueAddress, readQueueInfo } from "./queue-info.ts"

interface QueueValue {
  readonly server: string
  readonly senderId: string
  readonly dhPublicKey: string
  readonly queueMode: "M" | "C" | null
}

interface QueueInfoVector {
  readonly name: string
  readonly clientVersion: number
  readonly value: QueueValue
  readonly binary: string
  readonly parsed: { readonly clientVersion: number; readonly value: QueueValue }
}

interface Inputs {
  readonly info?: string
  readonly queues?: readonly (string & Record<string, never>)[]
  readonly sndMsgId?: string
  readonly prevMsgHash: string
  readonly [field: string]: unknown
}

interface MessageVector {
  readonly name: string
  readonly inputs: Inputs
  readonly hex: string
  readonly sha256: string
  readonly type: string
}

interface ParseVector {
  readonly name: string
  readonly hex: string
  readonly error?: string
  readonly again?: string
}

interface EnvelopeVector {
  readonly name: string
  readonly hex: string
  readonly inputs: {
    readonly agentVersion: number
    readonly e2e?: string | null
    readonly encConnInfo?: string
    readonly encAgentMessage?: string
    readonly connReq?: string
    readonly connInfo?: string
    readonly info?: string
  }
}

const MODES = { M: "messaging", C: "contact" } as const

function queueOf(clientVersion: number, { server, senderId, dhPublicKey, queueMode }: QueueValue): QueueInfo {
  const { hosts, port, keyHash } = parseServerAddress(server)
  const dhKey = keyForPlace(decodePublicKey(fromHex(dhPublicKey)), "x25519")
  const mode = queueMode === null ? undefined : MODES[queueMode]
  return { clientVersion, server: { hosts, port, keyHash }, senderId: fromHex(senderId), dhKey, mode }
}

const info = (hex: unknown): QueueInfo => decodeWhole(fromHex(String(hex)), readQueueInfo)
const address = (hex: unknown) => decodeWhole(fromHex(String(hex)), readQueueAddress)
const list = (value: unknown): Record<string, unknown>[] => value as Record<string, unknown>[]

function aMessageOf(type: string, inputs: Inputs): AMessage {
  switch (type) {
    case "H":
      return { tag: "HELLO" }
    case "M":
      return { tag: "A_MSG", body: fromHex(String(inputs["body"])) }
    case "V":
      return {
        tag: "A_RCVD",
        receipts: list(inputs["receipts"]).map(({ agentMsgId, msgHash, info: receiptInfo }) => ({
          id: BigInt(String(agentMsgId)),
          hash: fromHex(String(msgHash)),
          info: fromHex(String(receiptInfo)),
        })),
      }
    case "QC":
      return { tag: "A_QCONT", address: address(inputs["address"]) }
    case "QA":
      return {
        tag: "QADD",
        queues: list(inputs.queues).map(({ queue, replaced }) => ({
          queue: decodeWhole(fromHex(String(queue)), readQueueUri),
          replaced: replaced === null ? undefined : address(replaced),
        })),
      }
    case "QK":
      return {
        tag: "QKEY",
        queues: list(inputs.queues).map(({ queue, key }) => ({
          queue: info(queue),
          key: keyForPlace(decodePublicKey(fromHex(String(key))), "auth"),
        })),
      }
    case "QU":
      return {
        tag: "QUSE",
        queues: list(inputs.queues).map((used) => ({
          address: address(used["address"]),
          primary: used["primary"] === true,
        })),
      }
    case "QT":
      return { tag: "QTEST", addresses: (inputs["addresses"] as string[]).map(address) }
    case "E":
      return { tag: "EREADY", lastId: BigInt(String(inputs["lastId"])) }
    default:
      throw new Error(`no message of type ${type}`)
  }
}

function messageOf({ type, inputs }: MessageVector): AgentMessage {
  const text = fromHex(inputs.info ?? "")
  if (type === "C") return { tag: "CONN_INFO", info: text }
  if (type === "S") return { tag: "RATCHET_INFO", info: text }
  if (type === "D") return { tag: "CONN_INFO_REPLY", queues: (inputs.queues ?? []).map(info), info: text }
  const id = BigInt(inputs.sndMsgId ?? "")
  return { tag: "MESSAGE", id, previousHash: fromHex(inputs.prevMsgHash), message: aMessageOf(type, inputs) }
}

function envelopeOf({ inputs }: EnvelopeVector): AgentEnvelope {
  const { agentVersion: version, e2e, encConnInfo, encAgentMessage, connReq, connInfo } = inputs
  if (connReq !== undefined) return { version, tag: "INVITATION", request: connReq, info: fromHex(connInfo ?? "") }
  if (encAgentMessage !== undefined) return { version, tag: "MESSAGE", encrypted: fromHex(encAgentMessage) }
  const params = typeof e2e === "string" ? decodeE2eParams(fromHex(e2e)) : undefined
  if (encConnInfo !== undefined) return { version, tag: "CONFIRMATION", e2e: params, encrypted: fromHex(encConnInfo) }
  if (params === undefined) throw new Error("an envelope without keys")
  return { version, tag: "RATCHET_KEY", e2e: params, info: fromHex(inputs.info ?? "") }
}

describe.skipIf(!haveVectors)("vectors of agent.json", () => {
  it.each(named(agentVectors<QueueInfoVector>("queueInfo")))("queueInfo %s", (_, vector) => {
    expect(toHex(encodeQueueInfo(queueOf(vector.clientVersion, vector.value)))).toBe(vector.binary)
    const { clientVersion, value } = vector.parsed
    expect(decodeWhole(fromHex(vector.binary), readQueueInfo)).toEqual(queueOf(clientVersion, value))
  })

  it.each(named(agentVectors<MessageVector>("agentMessages")))("agentMessages %s", (_, vector) => {
    const message = messageOf(vector)
    const encoded = encodeAgentMessage(message)
    expect(toHex(encoded)).toBe(vector.hex)
    expect(toHex(nativeCrypto.sha256(encoded))).toBe(vector.sha256)
    expect(messageLetters(message)).toBe(vector.type)
    expect(decodeAgentMessage(encoded)).toEqual(message)
  })

  it.each(named(agentVectors<ParseVector>("agentMessageParse")))("agentMessageParse %s", (_, { hex, error }) => {
    expect(error).toBeDefined()
    expect(() => decodeAgentMessage(fromHex(hex))).toThrow(DecodeError)
  })

  it.each(named(agentVectors<EnvelopeVector>("agentEnvelopes")))("agentEnvelopes %s", (_, vector) => {
    const encoded = encodeEnvelope(envelopeOf(vector))
    expect(toHex(encoded)).toBe(vector.hex)
    expect(toHex(encodeEnvelope(decodeEnvelope(encoded)))).toBe(vector.hex)
  })

  it.each(named(agentVectors<ParseVector>("agentEnvelopeParse")))("agentEnvelopeParse %s", (_, vector) => {
    const { hex, error, again } = vector
    if (error === undefined) expect(toHex(encodeEnvelope(decodeEnvelope(fromHex(hex))))).toBe(again)
    else expect(() => decodeEnvelope(fromHex(hex))).toThrow(DecodeError)
  })

  it.each(
    named(
      agentVectors<{ name: string; version: number; pq: boolean; connInfo: number; message: number }>("paddedLengths"),
    ),
  )("paddedLengths %s", (_, { version, pq, connInfo, message }) => {
    expect(paddedConfirmationLength(version, pq)).toBe(connInfo)
    expect(paddedMessageLength(version, pq)).toBe(message)
  })

  it("integrity", () => {
    const values: Integrity[] = [
      { type: "OK" },
      { type: "SKIPPED", from: 3n, to: 5n },
      { type: "BAD_ID", id: 2n },
      { type: "BAD_HASH" },
      { type: "DUPLICATE" },
    ]
    const expected = agentVectors<{ string: string }>("integrity").map(({ string }) => string)
    expect(values.map(formatIntegrity)).toEqual(expected)
  })

  it("initialKeys", () => {
    const expected = agentVectors<Record<string, unknown>>("initialKeys")
    const actual = (["use", "link", "off"] satisfies InitialKeys[]).map((keys) => {
      const { shortLink, fullLink, connection } = initialKeysPlan(keys)
      return { string: formatInitialKeys(keys), shortLinkInitial: shortLink, fullLinkInitial: fullLink, connection }
    })
    expect(actual).toEqual(expected.map(({ name, ...rest }) => rest))
  })
})
