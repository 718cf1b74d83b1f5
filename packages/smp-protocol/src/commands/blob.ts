import { type AuthKey, readKey, writeKey } from "@sluice/crypto/keys"
import { EncodeError } from "@sluice/encoding/errors"
import { BLOB_LENGTH } from "../blob-answer.ts"
import { bare, type Codec } from "./codec.ts"

/** `WRT`: makes a blob, or replaces the one that the same key wrote (docs/blob-links.md). */
export interface WrtCommand {
  readonly tag: "WRT"
  /** Authorizes this command and all later ones for the blob. */
  readonly key: AuthKey
  /** 16048 bytes. */
  readonly blob: Uint8Array
}

/** `CLR`: removes a blob. */
export interface ClrCommand {
  readonly tag: "CLR"
}

/** `READ`: gets a blob; the entity is the raw X25519 key whose hash is the blob's ID. */
export interface ReadCommand {
  readonly tag: "READ"
}

export type BlobCommand = WrtCommand | ClrCommand | ReadCommand

export const clrCodec: Codec<ClrCommand> = bare({ tag: "CLR" })
export const readCodec: Codec<ReadCommand> = bare({ tag: "READ" })

export const wrtCodec: Codec<WrtCommand> = {
  read(r) {
    r.space("WRT")
    return { tag: "WRT", key: readKey(r, "auth", "blob key"), blob: r.take(BLOB_LENGTH, "blob") }
  },
  write(w, { key, blob }) {
    if (blob.length !== BLOB_LENGTH) throw new EncodeError("blob: wrong length")
    writeKey(w.space(), key)
    w.raw(blob)
  },
}
