import { EncodeError } from "@sluice/encoding/errors"
import type { Codec } from "../commands/codec.ts"
import type { MsgId } from "../types.ts"

/** Bytes of a nonce on the wire. */
const NONCE_LENGTH = 24

/** `MSG`: a message for the recipient, as event or as answer to `ACK` and `GET`. See `delivered-body.ts`. */
export interface MsgMessage {
  readonly tag: "MSG"
  readonly msgId: MsgId
  /** 16122 bytes from a server. */
  readonly body: Uint8Array
}

/** `NMSG`: notification event. See `notification-meta.ts`. */
export interface NmsgMessage {
  readonly tag: "NMSG"
  /** 24 bytes. */
  readonly nonce: Uint8Array
  /** 144 bytes from a server. */
  readonly meta: Uint8Array
}

export const msgCodec: Codec<MsgMessage> = {
  read(r) {
    r.space("MSG")
    return { tag: "MSG", msgId: r.short("message id"), body: r.tail() }
  },
  write(w, m) {
    w.space().short(m.msgId).raw(m.body)
  },
}

export const nmsgCodec: Codec<NmsgMessage> = {
  read(r) {
    r.space("NMSG")
    return { tag: "NMSG", nonce: r.take(NONCE_LENGTH, "nonce"), meta: r.short("notification metadata") }
  },
  write(w, m) {
    if (m.nonce.length !== NONCE_LENGTH) throw new EncodeError("NMSG: nonce is not 24 bytes")
    w.space().raw(m.nonce).short(m.meta)
  },
}
