import { decodeBase64Url, encodeBase64Url } from "@sluice/encoding/base64url"
import { EMPTY, utf8 } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import { type JsonObject, jsonBool, jsonInteger, jsonMaybe, jsonObject, jsonText } from "@sluice/encoding/json"
import type { Codec } from "../commands/codec.ts"
import { readJsonObject } from "../json-message.ts"
import type { MsgId } from "../types.ts"

/**
 * State of the asking connection for the queue (smp.md §6.2): `noSub` is the normal one of a subscriber, `subPending`
 * and `subThread` have a delivery that waits for room, `prohibitSub` means get-only.
 */
export type SubscriptionThread = "noSub" | "subPending" | "subThread" | "prohibitSub"

/** What `INFO` says about the connection's subscription. */
export interface QueueSubscription {
  readonly thread: SubscriptionThread
  /** Message that was delivered and not acknowledged. */
  readonly delivered?: MsgId | undefined
}

/** What `INFO` says about the first message of the queue. */
export interface QueueFirstMessage {
  readonly msgId: MsgId
  /** ISO 8601, perhaps with fractions of a second. */
  readonly timestamp: string
  readonly type: "message" | "quota"
}

/** `INFO`: answer to `QUE`, for debugging; nothing in it is guaranteed. */
export interface InfoMessage {
  readonly tag: "INFO"
  readonly secured: boolean
  readonly hasNotifier: boolean
  readonly subscription?: QueueSubscription | undefined
  /** Messages in the queue, the quota marker included. */
  readonly size: number
  readonly first?: QueueFirstMessage | undefined
}

const THREADS: readonly SubscriptionThread[] = ["noSub", "subPending", "subThread", "prohibitSub"]

export const infoCodec: Codec<InfoMessage> = {
  read(r) {
    r.space("INFO")
    const json = readJsonObject(r, "INFO")
    return {
      tag: "INFO",
      secured: jsonBool(json, "qiSnd"),
      hasNotifier: jsonBool(json, "qiNtf"),
      subscription: jsonMaybe(json, "qiSub", readSubscription),
      size: jsonInteger(json, "qiSize"),
      first: jsonMaybe(json, "qiMsg", readFirst),
    }
  },
  write(w, m) {
    const { secured: qiSnd, hasNotifier: qiNtf, subscription, size: qiSize, first } = m
    const qiSub = subscription && {
      qSubThread: subscription.thread,
      qDelivered: subscription.delivered && toBase64(subscription.delivered),
    }
    const qiMsg = first && { msgId: toBase64(first.msgId), msgTs: first.timestamp, msgType: first.type }
    w.space().raw(utf8(JSON.stringify({ qiSnd, qiNtf, qiSub, qiSize, qiMsg })))
  },
}

function readSubscription(parent: JsonObject, key: string): QueueSubscription {
  const json = jsonObject(parent[key], key)
  const name = jsonText(json, "qSubThread")
  const thread = THREADS.find((known) => known === name)
  if (thread === undefined) throw new DecodeError("qSubThread: unknown")
  return { thread, delivered: jsonMaybe(json, "qDelivered", fromBase64) }
}

function readFirst(parent: JsonObject, key: string): QueueFirstMessage {
  const json = jsonObject(parent[key], key)
  const type = jsonText(json, "msgType")
  if (type !== "message" && type !== "quota") throw new DecodeError("msgType: unknown")
  const timestamp = jsonText(json, "msgTs")
  if (Number.isNaN(Date.parse(timestamp))) throw new DecodeError("msgTs: no time")
  return { msgId: fromBase64(json, "msgId"), timestamp, type }
}

/** Standard alphabet with padding; the only place on the wire that has it (encoding.md §2.1). */
function toBase64(bytes: Uint8Array): string {
  return encodeBase64Url(bytes).replaceAll("-", "+").replaceAll("_", "/")
}

function fromBase64(json: JsonObject, key: string): Uint8Array {
  const text = jsonText(json, key)
  if (text === "") return EMPTY
  if (/[-_]/.test(text)) throw new DecodeError(`${key}: not base64`)
  return decodeBase64Url(text.replaceAll("+", "-").replaceAll("/", "_"))
}
