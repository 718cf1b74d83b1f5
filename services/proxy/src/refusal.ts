import type { CommandTag } from "@sluice/smp-protocol/commands"
import type { SmpError } from "@sluice/smp-protocol/errors"

const AUTH: SmpError = { type: "AUTH" }
const SERVICE: SmpError = { type: "SERVICE" }
const NO_RESOLVER: SmpError = { type: "NAME", error: { type: "NO_RESOLVER" } }

/** Commands that a proxy answers itself. */
export type ProxyTag = "PRXY" | "PFWD" | "RFWD" | "PING"

/**
 * What a command gets that is not for a proxy. A proxy is a relay that has no queue, makes none, serves no services and
 * has no resolver; the protocol has an answer for each (smp.md §2.7 to §2.9), so clients need to know no new one.
 */
export function refusalOf(tag: Exclude<CommandTag, ProxyTag>): SmpError {
  switch (tag) {
    // As where the creation of queues is switched off.
    case "NEW":
      return AUTH
    // As for a queue, link or notifier that does not exist. No time is spent on pretending: there is nothing to hide.
    case "SUB":
    case "KEY":
    case "RKEY":
    case "LSET":
    case "LDEL":
    case "NKEY":
    case "NDEL":
    case "GET":
    case "ACK":
    case "OFF":
    case "DEL":
    case "QUE":
    case "SKEY":
    case "SEND":
    case "LKEY":
    case "LGET":
    case "NSUB":
    // Of an extension that a proxy has not: they are not decoded here.
    case "WRT":
    case "CLR":
    case "READ":
      return AUTH
    // As in a connection that is no service's.
    case "SUBS":
    case "NSUBS":
      return SERVICE
    case "RSLV":
      return NO_RESOLVER
    default:
      return tag satisfies never
  }
}
