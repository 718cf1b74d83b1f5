import {
  type AuthKey,
  encodePrivateKey,
  type OneOfPrivate,
  readKey,
  readPrivateKey,
  writeKey,
  type X25519Key,
} from "@sluice/crypto/keys"
import { fromLatin1 } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import { Reader } from "@sluice/encoding/reader"
import { Writer } from "@sluice/encoding/writer"
import { CommandError, commandError, type SmpError } from "@sluice/smp-protocol/errors"
import type { EntityId } from "@sluice/smp-protocol/types"
import { type DeviceToken, readDeviceToken, writeDeviceToken } from "./device-token.ts"
import { type NotifierQueue, readNotifierQueue, writeNotifierQueue } from "./notifier-queue.ts"

/** A notifier's private key, which the device gives away with `SNEW`. */
export type NotifierKey = OneOfPrivate<"ed25519" | "ed448" | "x25519">

/** Commands of devices (notifications.md §3). Byte fields of decoded commands are views on the input. */
export type NtfCommand =
  /** Registers a device token; authorized by the key inside. */
  | {
      readonly tag: "TNEW"
      readonly token: DeviceToken
      /** Authorizes all later commands of this registration and of its subscriptions. */
      readonly verifyKey: AuthKey
      /** The client's half of the secret that encrypts pushes. */
      readonly dhKey: X25519Key
    }
  /** Proves that the verification push arrived; the code has 32 bytes, any 0 to 255 are read. */
  | { readonly tag: "TVFY"; readonly code: Uint8Array }
  /** Asks for the status of the token. */
  | { readonly tag: "TCHK" }
  /** The device has another token now. */
  | { readonly tag: "TRPL"; readonly token: DeviceToken }
  /** Deletes the registration with its subscriptions. */
  | { readonly tag: "TDEL" }
  /** Periodic pushes every so many minutes, at least 20; 0 is off. */
  | { readonly tag: "TCRN"; readonly minutes: number }
  /** Subscribes to the notifications of a queue; authorized by the key of the token. */
  | {
      readonly tag: "SNEW"
      readonly tokenId: EntityId
      readonly queue: NotifierQueue
      readonly notifierKey: NotifierKey
    }
  /** Asks for the status of a subscription. */
  | { readonly tag: "SCHK" }
  /** Deletes a subscription. */
  | { readonly tag: "SDEL" }
  | { readonly tag: "PING" }

export type NtfCommandTag = NtfCommand["tag"]

/** The command with this tag. */
export type NtfCommandOf<T extends NtfCommandTag> = Extract<NtfCommand, { tag: T }>

const TAGS: ReadonlySet<string> = new Set<NtfCommandTag>([
  ...(["TNEW", "TVFY", "TCHK", "TRPL", "TDEL", "TCRN", "SNEW", "SCHK", "SDEL", "PING"] as const),
])

const SPACE = 0x20
const TOKEN_LETTER = 0x54
const SUBSCRIPTION_LETTER = 0x53

/** Bytes of a command, the same at every version. Throws `EncodeError` for values that have no encoding. */
export function encodeNtfCommand(command: NtfCommand): Uint8Array {
  const w = new Writer(256).ascii(command.tag)
  switch (command.tag) {
    case "TNEW":
      writeDeviceToken(w.space().ascii("T"), command.token)
      writeKey(w, command.verifyKey)
      writeKey(w, command.dhKey)
      break
    case "TVFY":
      w.space().short(command.code)
      break
    case "TRPL":
      writeDeviceToken(w.space(), command.token)
      break
    case "TCRN":
      w.space().u16(command.minutes)
      break
    case "SNEW":
      w.space().ascii("S").short(command.tokenId)
      writeNotifierQueue(w, command.queue)
      w.short(encodePrivateKey(command.notifierKey))
      break
    default:
      // the tag says it all
      command satisfies { readonly tag: "TCHK" | "TDEL" | "SCHK" | "SDEL" | "PING" }
  }
  return w.finish()
}

/**
 * Reads a command that fills `bytes`. Throws `CommandError` and nothing else: `UNKNOWN` if what precedes the first space
 * is no tag, `SYNTAX` if the parameters do not parse or are followed by more.
 */
export function decodeNtfCommand(bytes: Uint8Array): NtfCommand {
  const r = new Reader(bytes)
  const tag = fromLatin1(r.takeUntil(SPACE))
  if (!isTag(tag)) throw new CommandError("UNKNOWN")
  try {
    const command = readParameters(tag, r)
    r.end()
    return command
  } catch (error) {
    if (error instanceof DecodeError) throw new CommandError("SYNTAX")
    throw error
  }
}

/**
 * The error for missing or unexpected credentials, `undefined` if they are as the command needs them (notifications.md
 * §3). Only their presence is looked at.
 */
export function checkNtfCredentials(
  tag: NtfCommandTag,
  hasAuthorization: boolean,
  hasEntity: boolean,
): SmpError | undefined {
  switch (tag) {
    case "TNEW":
    case "SNEW":
      if (!hasAuthorization) return commandError("NO_AUTH")
      return hasEntity ? commandError("HAS_AUTH") : undefined
    case "PING":
      return hasAuthorization || hasEntity ? commandError("HAS_AUTH") : undefined
    default:
      return hasAuthorization && hasEntity ? undefined : commandError("NO_AUTH")
  }
}

function isTag(tag: string): tag is NtfCommandTag {
  return TAGS.has(tag)
}

function readParameters(tag: NtfCommandTag, r: Reader): NtfCommand {
  switch (tag) {
    case "TNEW":
      letter(r, TOKEN_LETTER)
      return {
        tag,
        token: readDeviceToken(r),
        verifyKey: readKey(r, "auth", "verify key"),
        dhKey: readKey(r, "x25519", "DH key"),
      }
    case "TVFY":
      r.space(tag)
      return { tag, code: r.short("code") }
    case "TRPL":
      r.space(tag)
      return { tag, token: readDeviceToken(r) }
    case "TCRN":
      r.space(tag)
      return { tag, minutes: r.u16("minutes") }
    case "SNEW":
      letter(r, SUBSCRIPTION_LETTER)
      return {
        tag,
        tokenId: r.short("token id"),
        queue: readNotifierQueue(r),
        notifierKey: readNotifierKey(r),
      }
    default:
      return { tag }
  }
}

/** The letter that says what is created must be that of the command. */
function letter(r: Reader, expected: number): void {
  r.space("kind of entity")
  if (r.u8("kind of entity") !== expected) throw new DecodeError("kind of entity: not of this command")
}

function readNotifierKey(r: Reader): NotifierKey {
  const key = readPrivateKey(r, "notifier key")
  if (key.algorithm === "x448") throw new DecodeError("notifier key: algorithm not allowed here")
  return key
}
