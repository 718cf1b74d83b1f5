import { DecodeError } from "@sluice/encoding/errors"
import { Reader } from "@sluice/encoding/reader"
import { encodeWith } from "@sluice/encoding/writer"
import { type AMessage, LETTERS, readAMessage, writeAMessage } from "./a-message.ts"
import { type QueueInfo, readQueueInfo, writeQueueInfo } from "./queue-info.ts"

/** Plaintext of the ratchet (agent.md §4). */
export type AgentMessage =
  /** The initiator's confirmation. */
  | { readonly tag: "CONN_INFO"; readonly info: Uint8Array }
  /** The joiner's confirmation; only the first queue is used. */
  | { readonly tag: "CONN_INFO_REPLY"; readonly queues: readonly QueueInfo[]; readonly info: Uint8Array }
  /** Inside of ratchet keys, and not encrypted there. */
  | { readonly tag: "RATCHET_INFO"; readonly info: Uint8Array }
  /** Everything else. */
  | {
      readonly tag: "MESSAGE"
      /** The sender's number of the message, from 1. */
      readonly id: bigint
      /** SHA-256 of the plaintext of its message before, empty for none. */
      readonly previousHash: Uint8Array
      readonly message: AMessage
    }

/** Throws `EncodeError`. */
export function encodeAgentMessage(message: AgentMessage): Uint8Array {
  return encodeWith((w) => {
    switch (message.tag) {
      case "CONN_INFO":
        w.ascii("I").raw(message.info)
        break
      case "CONN_INFO_REPLY":
        w.ascii("D").nonEmpty(message.queues, writeQueueInfo).raw(message.info)
        break
      case "RATCHET_INFO":
        w.ascii("R").raw(message.info)
        break
      case "MESSAGE":
        w.ascii("M").int64(message.id).short(message.previousHash)
        writeAMessage(w, message.message)
    }
  })
}

/** Bytes are views. Throws `DecodeError`. */
export function decodeAgentMessage(bytes: Uint8Array): AgentMessage {
  const r = new Reader(bytes)
  switch (String.fromCharCode(r.u8("agent message"))) {
    case "I":
      return { tag: "CONN_INFO", info: r.tail() }
    case "D":
      return { tag: "CONN_INFO_REPLY", queues: r.nonEmpty(readQueueInfo, "queues"), info: r.tail() }
    case "R":
      return { tag: "RATCHET_INFO", info: r.tail() }
    case "M": {
      const id = r.int64("message id")
      return { tag: "MESSAGE", id, previousHash: r.short("previous hash"), message: readAMessage(r) }
    }
    default:
      throw new DecodeError("agent message: unknown type")
  }
}

/** One or two letters that name the kind of a message in the reference's records. */
export function messageLetters(message: AgentMessage): string {
  if (message.tag === "MESSAGE") return LETTERS[message.message.tag]
  return { CONN_INFO: "C", CONN_INFO_REPLY: "D", RATCHET_INFO: "S" }[message.tag]
}
