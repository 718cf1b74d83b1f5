import { type AuthKey, readKey, writeKey, type X25519Key } from "@sluice/crypto/keys"
import type { MsgId } from "../types.ts"
import { bare, type Codec } from "./codec.ts"

/** `SUB`: subscribes the connection to one queue (smp.md §4.2). */
export interface SubCommand {
  readonly tag: "SUB"
}

/** `KEY`: secures the queue for the sender with this key (smp.md §2.2). */
export interface KeyCommand {
  readonly tag: "KEY"
  readonly senderKey: AuthKey
}

/** `RKEY`: replaces the whole list of recipient keys of a contact queue; 1 to 255 keys. */
export interface RkeyCommand {
  readonly tag: "RKEY"
  readonly recipientKeys: readonly AuthKey[]
}

/** `NKEY`: adds or replaces the notifier. */
export interface NkeyCommand {
  readonly tag: "NKEY"
  readonly notifierKey: AuthKey
  readonly dhKey: X25519Key
}

/** `NDEL`: removes the notifier. */
export interface NdelCommand {
  readonly tag: "NDEL"
}

/** `GET`: first message without subscribing (smp.md §4.5). */
export interface GetCommand {
  readonly tag: "GET"
}

/** `ACK`: the delivered message was received; an empty id matches any (smp.md §4.4). */
export interface AckCommand {
  readonly tag: "ACK"
  readonly msgId: MsgId
}

/** `OFF`: suspends the queue for its sender. */
export interface OffCommand {
  readonly tag: "OFF"
}

/** `DEL`: deletes the queue and everything that belongs to it. */
export interface DelCommand {
  readonly tag: "DEL"
}

/** `QUE`: asks for `INFO`, for debugging. */
export interface QueCommand {
  readonly tag: "QUE"
}

export const subCodec: Codec<SubCommand> = bare({ tag: "SUB" })
export const ndelCodec: Codec<NdelCommand> = bare({ tag: "NDEL" })
export const getCodec: Codec<GetCommand> = bare({ tag: "GET" })
export const offCodec: Codec<OffCommand> = bare({ tag: "OFF" })
export const delCodec: Codec<DelCommand> = bare({ tag: "DEL" })
export const queCodec: Codec<QueCommand> = bare({ tag: "QUE" })

export const keyCodec: Codec<KeyCommand> = {
  read(r) {
    r.space("KEY")
    return { tag: "KEY", senderKey: readKey(r, "auth", "sender key") }
  },
  write: (w, c) => writeKey(w.space(), c.senderKey),
}

export const rkeyCodec: Codec<RkeyCommand> = {
  read(r) {
    r.space("RKEY")
    return {
      tag: "RKEY",
      recipientKeys: r.nonEmpty((item) => readKey(item, "auth", "recipient key"), "recipient keys"),
    }
  },
  write(w, c) {
    w.space().nonEmpty(c.recipientKeys, writeKey)
  },
}

export const nkeyCodec: Codec<NkeyCommand> = {
  read(r) {
    r.space("NKEY")
    return {
      tag: "NKEY",
      notifierKey: readKey(r, "auth", "notifier key"),
      dhKey: readKey(r, "x25519", "notifier DH key"),
    }
  },
  write(w, c) {
    writeKey(w.space(), c.notifierKey)
    writeKey(w, c.dhKey)
  },
}

export const ackCodec: Codec<AckCommand> = {
  read(r) {
    r.space("ACK")
    return { tag: "ACK", msgId: r.short("message id") }
  },
  write(w, c) {
    w.space().short(c.msgId)
  },
}
