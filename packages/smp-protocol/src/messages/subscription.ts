import type { Reader } from "@sluice/encoding/reader"
import type { Version } from "@sluice/encoding/version"
import type { Writer } from "@sluice/encoding/writer"
import { bare, type Codec } from "../commands/codec.ts"
import { emptyIdsHash } from "../ids-hash.ts"
import type { EntityId, ServiceCounters } from "../types.ts"
import { VERSION } from "../versions.ts"

/** `SOK`: answer to `SUB` and `NSUB`, with the service that now owns the subscription. Sent as `OK` below v16. */
export interface SokMessage {
  readonly tag: "SOK"
  readonly serviceId?: EntityId | undefined
}

/** `SOKS`: answer to `SUBS` and `NSUBS` with the server's own counters; below v19 the hash reads as zeros. */
export interface SoksMessage {
  readonly tag: "SOKS"
  readonly counters: ServiceCounters
}

/** `END`: the subscription moved to another connection. */
export interface EndMessage {
  readonly tag: "END"
}

/** `ENDS`: the subscription of a service moved; the counters it had. */
export interface EndsMessage {
  readonly tag: "ENDS"
  readonly counters: ServiceCounters
}

/** `ALLS`: all first messages after `SUBS` were sent. */
export interface AllsMessage {
  readonly tag: "ALLS"
}

export const endCodec: Codec<EndMessage> = bare({ tag: "END" })
export const allsCodec: Codec<AllsMessage> = bare({ tag: "ALLS" })

export const sokCodec: Codec<SokMessage> = {
  read(r) {
    r.space("SOK")
    return { tag: "SOK", serviceId: r.maybe((item) => item.short("service id"), "service id") }
  },
  write(w, m) {
    w.space().maybe(m.serviceId, (item, id) => item.short(id))
  },
}

export const soksCodec: Codec<SoksMessage> = {
  read: (r, v) => ({ tag: "SOKS", counters: readCounters(r, v) }),
  write: (w, m, v) => writeCounters(w, m.counters, v),
}

export const endsCodec: Codec<EndsMessage> = {
  read: (r, v) => ({ tag: "ENDS", counters: readCounters(r, v) }),
  write: (w, m, v) => writeCounters(w, m.counters, v),
}

function readCounters(r: Reader, v: Version): ServiceCounters {
  r.space("service counters")
  const count = r.int64("count")
  return { count, hash: v >= VERSION.RECEIVING_SERVICES ? r.short("ids hash") : emptyIdsHash() }
}

function writeCounters(w: Writer, counters: ServiceCounters, v: Version): void {
  w.space().int64(counters.count)
  if (v >= VERSION.RECEIVING_SERVICES) w.short(counters.hash)
}
