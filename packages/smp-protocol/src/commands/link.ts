import { type AuthKey, readKey, writeKey } from "@sluice/crypto/keys"
import { readLinkData, writeLinkData } from "../link-data.ts"
import type { EntityId, LinkData } from "../types.ts"
import { bare, type Codec } from "./codec.ts"

/** `LSET`: adds a link to the queue, or changes the user part of its data (smp.md §2.3). */
export interface LsetCommand {
  readonly tag: "LSET"
  readonly linkId: EntityId
  readonly data: LinkData
}

/** `LDEL`: removes the link of the queue. */
export interface LdelCommand {
  readonly tag: "LDEL"
}

/** `LKEY`: secures the messaging queue behind the link and gets the link's data. */
export interface LkeyCommand {
  readonly tag: "LKEY"
  readonly senderKey: AuthKey
}

/** `LGET`: gets the link data of a contact queue. */
export interface LgetCommand {
  readonly tag: "LGET"
}

export const ldelCodec: Codec<LdelCommand> = bare({ tag: "LDEL" })
export const lgetCodec: Codec<LgetCommand> = bare({ tag: "LGET" })

export const lsetCodec: Codec<LsetCommand> = {
  read(r) {
    r.space("LSET")
    return { tag: "LSET", linkId: r.short("link id"), data: readLinkData(r) }
  },
  write: (w, c) => writeLinkData(w.space().short(c.linkId), c.data),
}

export const lkeyCodec: Codec<LkeyCommand> = {
  read(r) {
    r.space("LKEY")
    return { tag: "LKEY", senderKey: readKey(r, "auth", "sender key") }
  },
  write: (w, c) => writeKey(w.space(), c.senderKey),
}
