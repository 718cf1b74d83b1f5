import { DecodeError } from "@sluice/encoding/errors"
import { Reader } from "@sluice/encoding/reader"
import { readVersionRange, type VersionRange, writeVersionRange } from "@sluice/encoding/version"
import { encodeWith } from "@sluice/encoding/writer"
import { readAppData, writeAppData } from "./app-data.ts"
import { type LinkOwner, readOwner, writeOwner } from "./owners.ts"
import type { ContactLink, ShortLink } from "./short-link.ts"
import { readContactLink, writeShortLink } from "./short-link-binary.ts"

/** User data of a one-time invitation (short-links.md §4.2). */
export interface InvitationUserData {
  readonly kind: "invitation"
  readonly agentVersions: VersionRange
  /** What the app shows before connecting, such as a profile; see `profile.ts`. */
  readonly appData: Uint8Array
}

/** User data of a contact address. */
export interface ContactUserData {
  readonly kind: "contact"
  readonly agentVersions: VersionRange
  /** Whether one may connect through the queue in the fixed data. */
  readonly direct: boolean
  readonly owners: readonly LinkOwner[]
  /** Other addresses that take requests for this one. */
  readonly relays: readonly ContactLink[]
  readonly appData: Uint8Array
}

/** The part of link data that its owners can change. */
export type UserLinkData = InvitationUserData | ContactUserData

const TAGS: Readonly<Record<ShortLink["kind"], string>> = { invitation: "I", contact: "C" }

/** The bytes that are signed. */
export function encodeUserData(data: UserLinkData): Uint8Array {
  return encodeWith((w) => {
    w.ascii(TAGS[data.kind])
    writeVersionRange(w, data.agentVersions)
    if (data.kind === "contact") {
      w.bool(data.direct).list(data.owners, writeOwner).list(data.relays, writeShortLink)
    }
    writeAppData(w, data.appData)
  }, data.appData.length + 256)
}

/** Reads user data of the kind of its link; what follows the known fields is skipped. Throws `DecodeError`. */
export function decodeUserData(kind: ShortLink["kind"], bytes: Uint8Array): UserLinkData {
  const r = new Reader(bytes)
  if (r.u8("user data") !== TAGS[kind].charCodeAt(0)) throw new DecodeError("user data: of another kind of link")
  const agentVersions = readVersionRange(r, "agent versions")
  if (kind === "invitation") return { kind, agentVersions, appData: readAppData(r) }
  const direct = r.bool("direct")
  const owners = r.list(readOwner, "owners")
  const relays = r.list(readContactLink, "relays")
  return { kind, agentVersions, direct, owners, relays, appData: readAppData(r) }
}
