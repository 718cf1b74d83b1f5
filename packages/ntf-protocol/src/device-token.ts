import { decodeBase64Url, encodeBase64Url } from "@sluice/encoding/base64url"
import { fromLatin1, latin1 } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import type { Reader } from "@sluice/encoding/reader"
import type { Writer } from "@sluice/encoding/writer"
import { decodeWebPushToken } from "./web-push-token.ts"

/**
 * Push services by their two letters on the wire (notifications.md §3.3). Those of the protocol begin with `A`. The others
 * are this project's extension: reference servers answer them with `CMD SYNTAX`, which a client is to read as "this server
 * does not have that service", and reference clients never send them.
 */
export type PushTag = "AD" | "AP" | "AT" | "AN" | "FP" | "FT" | "UP" | "UT"

/** The same in texts and in stores. */
export type PushName =
  | "apns_dev"
  | "apns_prod"
  | "apns_test"
  | "apns_null"
  | "fcm_prod"
  | "fcm_test"
  | "webpush_prod"
  | "webpush_test"

/** Where a device gets its pushes from. */
export interface DeviceToken {
  readonly provider: PushTag
  /** 0 to 255 bytes as the device sent them; see {@link isUsableToken}. */
  readonly token: Uint8Array
}

/** Kinds of service: how a token looks and what is sent to it. */
export type PushFamily = "apns" | "fcm" | "web-push"

interface PushSpec {
  readonly name: PushName
  readonly family: PushFamily
  /** Only for test suites, not to be accepted by a server for everybody. */
  readonly test: boolean
}

const SPECS: { readonly [T in PushTag]: PushSpec } = {
  AD: { name: "apns_dev", family: "apns", test: false },
  AP: { name: "apns_prod", family: "apns", test: false },
  AT: { name: "apns_test", family: "apns", test: true },
  AN: { name: "apns_null", family: "apns", test: false },
  FP: { name: "fcm_prod", family: "fcm", test: false },
  FT: { name: "fcm_test", family: "fcm", test: true },
  UP: { name: "webpush_prod", family: "web-push", test: false },
  UT: { name: "webpush_test", family: "web-push", test: true },
}

/** All tags, in the order of this file. */
export const PUSH_TAGS: readonly PushTag[] = Object.keys(SPECS) as PushTag[]

const TAG_LENGTH = 2
const NULL_TOKEN = "test_ntf_token"
const HEX_PAIRS = /^(?:[0-9a-f]{2})*$/
const APNS_TOKEN = /^[0-9A-Fa-f]+$/
const FCM_TOKEN = /^[A-Za-z0-9_:-]+$/

/** Name, family and purpose of a push service. */
export function pushSpec(tag: PushTag): PushSpec {
  return SPECS[tag]
}

/** The tag of a name, `undefined` if there is none. */
export function pushTagOf(name: string): PushTag | undefined {
  return PUSH_TAGS.find((tag) => SPECS[tag].name === name)
}

/** Reads tag and short string; the bytes are a view and may be anything. Throws `DecodeError` for an unknown tag. */
export function readDeviceToken(r: Reader): DeviceToken {
  const letters = fromLatin1(r.take(TAG_LENGTH, "push provider"))
  const provider = PUSH_TAGS.find((tag) => tag === letters)
  if (provider === undefined) throw new DecodeError("push provider: unknown")
  return { provider, token: r.short("device token") }
}

/** Counterpart of {@link readDeviceToken}. */
export function writeDeviceToken(w: Writer, { provider, token }: DeviceToken): void {
  w.ascii(provider).short(token)
}

/** Text form: name, a space, and the token's own text, which is base64url where the token is not text. */
export function formatDeviceToken({ provider, token }: DeviceToken): string {
  const { name, family } = SPECS[provider]
  return `${name} ${family === "web-push" ? encodeBase64Url(token) : fromLatin1(token)}`
}

/** Reads the text form. APNs tokens are lower case hexadecimal of even length there. Throws `DecodeError`. */
export function parseDeviceToken(text: string): DeviceToken {
  const at = text.indexOf(" ")
  const provider = at < 0 ? undefined : pushTagOf(text.slice(0, at))
  if (provider === undefined) throw new DecodeError("device token: unknown push provider")
  const rest = text.slice(at + 1)
  switch (SPECS[provider].family) {
    case "apns":
      if (!(HEX_PAIRS.test(rest) || (provider === "AN" && rest === NULL_TOKEN))) throw badToken()
      return { provider, token: latin1(rest) }
    case "fcm":
      if (!FCM_TOKEN.test(rest)) throw badToken()
      return { provider, token: latin1(rest) }
    case "web-push": {
      const token = decodeBase64Url(rest)
      decodeWebPushToken(token)
      return { provider, token }
    }
  }
}

/** JSON form, of the clients' stores and interfaces. */
export function deviceTokenToJson(token: DeviceToken): { readonly pushProvider: PushName; readonly token: string } {
  const { name } = SPECS[token.provider]
  return { pushProvider: name, token: formatDeviceToken(token).slice(name.length + 1) }
}

/** Reads the JSON form. Throws `DecodeError`. */
export function deviceTokenFromJson(value: { readonly pushProvider: string; readonly token: string }): DeviceToken {
  return parseDeviceToken(`${value.pushProvider} ${value.token}`)
}

/** The token with which clients try a server out: registration works, nothing is ever pushed. */
export function nullToken(): DeviceToken {
  return { provider: "AN", token: latin1(NULL_TOKEN) }
}

/**
 * Whether a server should refuse the token as `CMD SYNTAX`: the wire takes any bytes, but they become part of a request.
 * The test tags stay as lax as the reference has them, `AN` is never sent anywhere.
 */
export function isUsableToken({ provider, token }: DeviceToken): boolean {
  if (provider === "AT" || provider === "AN") return true
  switch (SPECS[provider].family) {
    case "apns":
      return APNS_TOKEN.test(fromLatin1(token))
    case "fcm":
      return FCM_TOKEN.test(fromLatin1(token))
    case "web-push":
      return isWebPushToken(token)
  }
}

function isWebPushToken(token: Uint8Array): boolean {
  try {
    decodeWebPushToken(token)
    return true
  } catch (error) {
    if (error instanceof DecodeError) return false
    throw error
  }
}

function badToken(): DecodeError {
  return new DecodeError("device token: not a token of this provider")
}
