import { fromHex } from "@sluice/encoding/bytes"
import { decodeWhole, type Reader } from "@sluice/encoding/reader"
import { parseSmpError } from "../src/error-string.ts"
import type { BlockingReason, SmpError } from "../src/errors.ts"
import { type InfoMessage, infoCodec } from "../src/messages/info.ts"
import { nameRecordFromJson } from "../src/messages/name.ts"
import type { PkeyMessage } from "../src/messages/proxy.ts"
import type { IdsMessage } from "../src/messages/queue.ts"
import type { MESSAGES } from "../src/messages/table.ts"
import type { BrokerMessage } from "../src/messages.ts"
import { countersOf, linkData } from "./command-inputs.ts"
import { x25519Key } from "./vector-values.ts"

/** All fields that the inputs of any message have. */
interface MessageInputs {
  readonly rcvId: string
  readonly sndId: string
  readonly rcvPublicDhKey: string
  readonly queueMode: "M" | "C" | null
  readonly linkId: string | null
  readonly serviceId: string | null
  readonly serverNtfCreds: { notifierId: string; dhKey: string } | null
  readonly senderId: string
  readonly data: { fixed: string; user: string }
  readonly count: string
  readonly hash?: string
  readonly msgId: string
  readonly body: string
  readonly notifierId: string
  readonly dhKey: string
  readonly nonce: string
  readonly encMeta: string
  readonly sessionId: string
  readonly versionRange: readonly [number, number]
  readonly certChainPubKey: string
  readonly transmission: string
  readonly info: string
  readonly record: string
  readonly reason: BlockingReason
  readonly notice: { ttl: number | null } | null
  readonly text: string
}

/** The message of a case of `brokerMessages`: the tag is the first word of its name. */
export function messageOf(name: string, inputs: unknown): BrokerMessage {
  const i = inputs as MessageInputs
  const tag = name.split(" ")[0] as keyof typeof MESSAGES
  switch (tag) {
    case "IDS":
      return idsMessage(i)
    case "LNK":
      return { tag, senderId: fromHex(i.senderId), data: linkData(i.data) }
    case "SOK":
      return { tag, serviceId: i.serviceId === null ? undefined : fromHex(i.serviceId) }
    case "SOKS":
    case "ENDS":
      return { tag, counters: countersOf(i) }
    case "MSG":
      return { tag, msgId: fromHex(i.msgId), body: fromHex(i.body) }
    case "NID":
      return { tag, notifierId: fromHex(i.notifierId), dhKey: x25519Key(i.dhKey) }
    case "NMSG":
      return { tag, nonce: fromHex(i.nonce), meta: fromHex(i.encMeta) }
    case "PKEY":
      return pkeyMessage(i.sessionId, i.versionRange, i.certChainPubKey)
    case "RRES":
    case "PRES":
      return { tag, response: fromHex(i.transmission) }
    case "INFO":
      return infoMessage(i.info)
    case "RNAME":
      return { tag, record: nameRecordFromJson(JSON.parse(i.record)) }
    case "ERR":
      return { tag, error: errorOf(name.slice("ERR ".length), i) }
    default:
      return { tag }
  }
}

function idsMessage(i: MessageInputs): IdsMessage {
  return {
    tag: "IDS",
    recipientId: fromHex(i.rcvId),
    senderId: fromHex(i.sndId),
    dhKey: x25519Key(i.rcvPublicDhKey),
    queueMode: i.queueMode === null ? undefined : i.queueMode === "M" ? "messaging" : "contact",
    linkId: i.linkId === null ? undefined : fromHex(i.linkId),
    serviceId: i.serviceId === null ? undefined : fromHex(i.serviceId),
    notifier:
      i.serverNtfCreds === null
        ? undefined
        : { notifierId: fromHex(i.serverNtfCreds.notifierId), dhKey: x25519Key(i.serverNtfCreds.dhKey) },
  }
}

/** `PKEY` with chain and signed key from their joint encoding. */
export function pkeyMessage(
  sessionId: string,
  [min, max]: readonly [number, number],
  chainAndKey: string,
): PkeyMessage {
  const read = (r: Reader): Pick<PkeyMessage, "certificates" | "signedKey"> => ({
    certificates: r.nonEmpty((item) => item.large("certificate")),
    signedKey: r.large("signed key"),
  })
  return {
    tag: "PKEY",
    sessionId: fromHex(sessionId),
    versions: { min, max },
    ...decodeWhole(fromHex(chainAndKey), read),
  }
}

/** The reader of `INFO` itself is the shortest way from JSON; that it loses nothing is seen when it is written again. */
function infoMessage(json: string): InfoMessage {
  return decodeWhole(new TextEncoder().encode(` ${json}`), (r) => infoCodec.read(r, 20))
}

function errorOf(words: string, i: MessageInputs): SmpError {
  if (words.startsWith("BLOCKED")) {
    const notice = i.notice === null ? undefined : i.notice.ttl === null ? {} : { ttl: i.notice.ttl }
    return { type: "BLOCKED", reason: i.reason, notice }
  }
  if (words.startsWith("NAME RESOLVER")) return { type: "NAME", error: { type: "RESOLVER", text: i.text } }
  return parseSmpError(words)
}
