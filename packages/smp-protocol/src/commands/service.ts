import type { Reader } from "@sluice/encoding/reader"
import type { Version } from "@sluice/encoding/version"
import type { Writer } from "@sluice/encoding/writer"
import { IDS_HASH_LENGTH } from "../ids-hash.ts"
import type { ServiceCounters } from "../types.ts"
import { VERSION } from "../versions.ts"
import { bare, type Codec } from "./codec.ts"

/** `NSUB`: subscribes the connection to the notifications of one queue (smp.md §4.6). */
export interface NsubCommand {
  readonly tag: "NSUB"
}

/** `SUBS`: subscribes a service to all its queues; the expectation is for statistics only (smp.md §2.4). */
export interface SubsCommand {
  readonly tag: "SUBS"
  readonly expected: ServiceCounters
}

/** `NSUBS`: the same for notifiers. */
export interface NsubsCommand {
  readonly tag: "NSUBS"
  readonly expected: ServiceCounters
}

/** What `SUBS` and `NSUBS` without parameters (below v19) stand for. */
export const UNKNOWN_COUNTERS: ServiceCounters = { count: -1n, hash: new Uint8Array(IDS_HASH_LENGTH) }

export const nsubCodec: Codec<NsubCommand> = bare({ tag: "NSUB" })

export const subsCodec: Codec<SubsCommand> = {
  read: (r, v) => ({ tag: "SUBS", expected: readExpected(r, v) }),
  write: (w, c, v) => writeExpected(w, c.expected, v),
}

export const nsubsCodec: Codec<NsubsCommand> = {
  read: (r, v) => ({ tag: "NSUBS", expected: readExpected(r, v) }),
  write: (w, c, v) => writeExpected(w, c.expected, v),
}

function readExpected(r: Reader, v: Version): ServiceCounters {
  if (v < VERSION.RECEIVING_SERVICES) return UNKNOWN_COUNTERS
  r.space("expected queues")
  return { count: r.int64("expected count"), hash: r.short("expected hash") }
}

function writeExpected(w: Writer, expected: ServiceCounters, v: Version): void {
  if (v >= VERSION.RECEIVING_SERVICES) w.space().int64(expected.count).short(expected.hash)
}
