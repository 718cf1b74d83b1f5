import { DecodeError } from "@sluice/encoding/errors"
import { Reader } from "@sluice/encoding/reader"
import type { Version } from "@sluice/encoding/version"
import { Writer } from "@sluice/encoding/writer"
import { readTag } from "./commands.ts"
import { CommandError, commandError, type SmpError } from "./errors.ts"
import { BLOB_MESSAGES, type BlobMessage } from "./messages/blob.ts"
import type { MsgMessage, NmsgMessage } from "./messages/delivery.ts"
import type { ErrMessage, PongMessage } from "./messages/error.ts"
import type { InfoMessage } from "./messages/info.ts"
import type { RnameMessage } from "./messages/name.ts"
import type { PkeyMessage, PresMessage, RresMessage } from "./messages/proxy.ts"
import type { DeldMessage, IdsMessage, LnkMessage, NidMessage, OkMessage } from "./messages/queue.ts"
import type { AllsMessage, EndMessage, EndsMessage, SokMessage, SoksMessage } from "./messages/subscription.ts"
import { MESSAGES, type MessageSpec, messageSpec } from "./messages/table.ts"

/** All messages of servers: responses and events (smp.md §6). Byte fields of decoded messages are views on the input. */
export type BrokerMessage =
  | IdsMessage
  | LnkMessage
  | SokMessage
  | SoksMessage
  | MsgMessage
  | AllsMessage
  | NidMessage
  | NmsgMessage
  | PkeyMessage
  | RresMessage
  | PresMessage
  | EndMessage
  | EndsMessage
  | DeldMessage
  | InfoMessage
  | OkMessage
  | ErrMessage
  | PongMessage
  | RnameMessage
  | BlobMessage

export type BrokerMessageTag = BrokerMessage["tag"]

/** The message with this tag, for example `MessageOf<"IDS">`. */
export type MessageOf<T extends BrokerMessageTag> = Extract<BrokerMessage, { tag: T }>

const SPECS = { ...MESSAGES, ...BLOB_MESSAGES }

function blobSpec(tag: string): MessageSpec<BrokerMessage> | undefined {
  return tag === "BLOB" ? (BLOB_MESSAGES.BLOB as unknown as MessageSpec<BrokerMessage>) : undefined
}

/** Bytes of a message: tag and parameters. Throws `EncodeError` for values that have no encoding. */
export function encodeBrokerMessage(message: BrokerMessage, v: Version): Uint8Array {
  const w = new Writer()
  writeBrokerMessage(w, message, v)
  return w.finish()
}

/**
 * Appends a message to what was written, in the form that a peer of version `v` knows: `SOK` below v16 becomes `OK`,
 * `DELD` below v10 becomes `END`, `BLOCKED` is downgraded (smp.md §6, §7).
 */
export function writeBrokerMessage(w: Writer, message: BrokerMessage, v: Version): void {
  const { codec, fallback } = SPECS[message.tag] as unknown as MessageSpec<BrokerMessage>
  if (fallback !== undefined && v < fallback.below) w.ascii(fallback.tag)
  else codec.write(w.ascii(message.tag), message, v)
}

/**
 * Reads a message that fills `bytes`. Throws `CommandError` and nothing else: `UNKNOWN` for the tag, `SYNTAX` for the
 * parameters.
 */
export function decodeBrokerMessage(bytes: Uint8Array, v: Version): BrokerMessage {
  const r = new Reader(bytes)
  const spec = readTag(r, (tag) => messageSpec(tag) ?? blobSpec(tag))
  try {
    const message = spec.codec.read(r, v)
    r.end()
    return message
  } catch (error) {
    if (error instanceof DecodeError) throw new CommandError("SYNTAX")
    throw error
  }
}

/** The error for a missing or unexpected entity id, as a client sees it; `undefined` if it is as it should be. */
export function checkMessageEntity(tag: BrokerMessageTag, hasEntity: boolean): SmpError | undefined {
  const { entity } = SPECS[tag]
  if (entity === "required" && !hasEntity) return commandError("NO_ENTITY")
  return entity === "forbidden" && hasEntity ? commandError("HAS_AUTH") : undefined
}
