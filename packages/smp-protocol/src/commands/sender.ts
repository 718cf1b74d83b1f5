import { type AuthKey, readKey, writeKey } from "@sluice/crypto/keys"
import { readMessageFlags, writeMessageFlags } from "../message-flags.ts"
import type { MessageFlags } from "../types.ts"
import { bare, type Codec } from "./codec.ts"

/** `SKEY`: the sender secures a messaging queue with its own key (smp.md §2.2). */
export interface SkeyCommand {
  readonly tag: "SKEY"
  readonly senderKey: AuthKey
}

/** `SEND`: puts one message into the queue (smp.md §2.6). */
export interface SendCommand {
  readonly tag: "SEND"
  readonly flags: MessageFlags
  /** As long as a block allows; the limit of `maxMessageLength` is checked by the server, not by the parser. */
  readonly body: Uint8Array
}

/** `PING`: asks for `PONG`. */
export interface PingCommand {
  readonly tag: "PING"
}

export const pingCodec: Codec<PingCommand> = bare({ tag: "PING" })

export const skeyCodec: Codec<SkeyCommand> = {
  read(r) {
    r.space("SKEY")
    return { tag: "SKEY", senderKey: readKey(r, "auth", "sender key") }
  },
  write: (w, c) => writeKey(w.space(), c.senderKey),
}

export const sendCodec: Codec<SendCommand> = {
  read(r) {
    r.space("SEND")
    return { tag: "SEND", flags: readMessageFlags(r), body: r.tail() }
  },
  write(w, c) {
    writeMessageFlags(w.space(), c.flags)
    w.raw(c.body)
  },
}
