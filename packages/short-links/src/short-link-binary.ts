import { DecodeError } from "@sluice/encoding/errors"
import type { Letters } from "@sluice/encoding/letters"
import { readLetter, writeLetter } from "@sluice/encoding/letters"
import type { Reader } from "@sluice/encoding/reader"
import { readServer, writeServer } from "@sluice/encoding/server-address"
import type { Writer } from "@sluice/encoding/writer"
import type { ContactLink, ContactType, ShortLink } from "./short-link.ts"

const KINDS: Letters<ShortLink["kind"]> = { I: "invitation", C: "contact" }
const TYPES: Letters<ContactType> = { A: "contact", C: "channel", G: "group", R: "relay" }

/** Binary form of a short link (short-links.md §4.4); it has no scheme, so the result is an `https` link. */
export function readShortLink(r: Reader): ShortLink {
  if (readLetter(r, KINDS, "link kind") === "contact") {
    const contactType = readLetter(r, TYPES, "contact type")
    return { kind: "contact", contactType, scheme: "https", server: readServer(r), linkKey: r.short("link key") }
  }
  const server = readServer(r)
  return { kind: "invitation", scheme: "https", server, linkId: r.short("link id"), linkKey: r.short("link key") }
}

/** Counterpart of {@link readShortLink}. */
export function writeShortLink(w: Writer, link: ShortLink): void {
  writeLetter(w, KINDS, link.kind)
  if (link.kind === "contact") writeLetter(w, TYPES, link.contactType)
  writeServer(w, link.server)
  if (link.kind === "invitation") w.short(link.linkId)
  w.short(link.linkKey)
}

/** A short link where only a contact address is allowed. */
export function readContactLink(r: Reader): ContactLink {
  const link = readShortLink(r)
  if (link.kind !== "contact") throw new DecodeError("short link: not a contact address")
  return link
}
