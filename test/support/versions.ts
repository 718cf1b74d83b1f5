import type { CommandTag } from "@sluice/smp-protocol/commands"
import { SERVER_RANGE } from "@sluice/smp-protocol/versions"

/** All versions from `first` on that a relay speaks, 6 to 20. */
export function versionsFrom(first: number = SERVER_RANGE.min): number[] {
  return Array.from({ length: SERVER_RANGE.max - first + 1 }, (_, i) => first + i)
}

/** Versions in which events between connections differ (smp.md §6): DELD, service certificates, hashes of counters. */
const EVENTS_DIFFER: readonly number[] = [SERVER_RANGE.min, 10, 16, 19, SERVER_RANGE.max]

/** The same for one relay; for several nodes, which don't see a client's version, those that tell events apart. */
export function versionsOn({ nodes = 1 }: { readonly nodes?: number }, first: number = SERVER_RANGE.min): number[] {
  return versionsFrom(first).filter((version) => nodes === 1 || version === first || EVENTS_DIFFER.includes(version))
}

/** First version of each command that does not exist in all of them (smp.md §2, column "Since v"). */
export const SINCE: { readonly [T in CommandTag]?: number } = {
  PRXY: 8,
  PFWD: 8,
  RFWD: 8,
  SKEY: 9,
  RKEY: 15,
  LSET: 15,
  LDEL: 15,
  LKEY: 15,
  LGET: 15,
  NSUBS: 16,
  SUBS: 16,
  RSLV: 20,
}
