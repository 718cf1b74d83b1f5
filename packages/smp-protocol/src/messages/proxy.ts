import { readVersionRange, type VersionRange, writeVersionRange } from "@sluice/encoding/version"
import type { Codec } from "../commands/codec.ts"
import type { SessionId } from "../types.ts"

/** `PKEY`: answer to `PRXY`, the relay's session that commands can be forwarded to (proxy.md §4). */
export interface PkeyMessage {
  readonly tag: "PKEY"
  readonly sessionId: SessionId
  /** Versions that may be used inside. */
  readonly versions: VersionRange
  /** DER certificates of the relay, leaf first; not parsed here. */
  readonly certificates: readonly Uint8Array[]
  /** DER of the signed object with the relay's X25519 session key, as the relay sent it; not parsed here. */
  readonly signedKey: Uint8Array
}

/** `PRES`: answer to `PFWD`. */
export interface PresMessage {
  readonly tag: "PRES"
  /** 16242 bytes: the layer between client and relay. */
  readonly response: Uint8Array
}

/** `RRES`: answer to `RFWD`. */
export interface RresMessage {
  readonly tag: "RRES"
  /** 16283 bytes: the layer between proxy and relay. */
  readonly response: Uint8Array
}

export const pkeyCodec: Codec<PkeyMessage> = {
  read(r) {
    r.space("PKEY")
    return {
      tag: "PKEY",
      sessionId: r.short("session id"),
      versions: readVersionRange(r),
      certificates: r.nonEmpty((item) => item.large("certificate"), "certificates"),
      signedKey: r.large("signed key"),
    }
  },
  write(w, m) {
    writeVersionRange(w.space().short(m.sessionId), m.versions)
    w.nonEmpty(m.certificates, (item, der) => item.large(der)).large(m.signedKey)
  },
}

export const presCodec: Codec<PresMessage> = {
  read(r) {
    r.space("PRES")
    return { tag: "PRES", response: r.tail() }
  },
  write(w, m) {
    w.space().raw(m.response)
  },
}

export const rresCodec: Codec<RresMessage> = {
  read(r) {
    r.space("RRES")
    return { tag: "RRES", response: r.tail() }
  },
  write(w, m) {
    w.space().raw(m.response)
  },
}
