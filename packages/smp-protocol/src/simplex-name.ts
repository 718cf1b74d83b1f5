import { fromLatin1 } from "@sluice/encoding/bytes"
import { DecodeError, EncodeError } from "@sluice/encoding/errors"
import type { Reader } from "@sluice/encoding/reader"
import type { Writer } from "@sluice/encoding/writer"

/** Longest name in bytes. */
export const MAX_NAME_LENGTH = 253
/** Longest label in bytes, hyphens included. */
export const MAX_LABEL_LENGTH = 63

const LABEL = /^[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*$/
/** The only bytes that count as white space at the end of a name: space, tab, LF, VT, FF, CR. */
const WHITE_SPACE = /[ \t-\r]/

/** A name taken apart (smp.md §2.7). */
export interface SimplexName {
  /** `simplex` and `testing` are the network's own top-level names; everything else is a domain of the web. */
  readonly tld: "simplex" | "testing" | "web"
  /** The label below the top-level name; for `web` the whole name. */
  readonly domain: string
  /** Labels below the domain, the nearest first; always empty for `web`. */
  readonly subDomain: readonly string[]
  /** The whole name in lower case. */
  readonly full: string
}

/** Takes a name apart, lowering it. Throws `DecodeError` if it is not a valid name. */
export function parseSimplexName(text: string): SimplexName {
  if (!isName(text)) throw new DecodeError("name: invalid")
  const full = text.toLowerCase()
  const labels = full.split(".")
  const tld = labels.pop()
  if (tld !== "simplex" && tld !== "testing") return { tld: "web", domain: full, subDomain: [], full }
  const domain = labels.pop() ?? ""
  return { tld, domain, subDomain: labels.reverse(), full }
}

/** The name of `RSLV`, lowered: up to the first white space; what follows that is consumed and ignored. */
export function readName(r: Reader): string {
  const text = fromLatin1(r.tail())
  const end = text.search(WHITE_SPACE)
  return parseSimplexName(end < 0 ? text : text.slice(0, end)).full
}

/** The name in lower case. Throws `EncodeError` if it is not a valid name. */
export function writeName(w: Writer, name: string): void {
  if (!isName(name)) throw new EncodeError("name: invalid")
  w.ascii(name.toLowerCase())
}

/** Whether the text has at least two valid labels, in either case. */
function isName(text: string): boolean {
  if (text.length > MAX_NAME_LENGTH) return false
  const labels = text.split(".")
  return labels.length >= 2 && labels.every((label) => label.length <= MAX_LABEL_LENGTH && LABEL.test(label))
}
