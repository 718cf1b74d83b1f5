// What a supervisor and its member processes say to each other over the channel of `fork`.
import type { RelayFigures } from "@sluice/relay/relay"

/** What a member is told when it is started, as JSON in its argument. */
export interface MemberSpec {
  /** From 0 on; the same after a restart. */
  readonly index: number
  readonly dataFolder: string
  /** Only if the operator named it. */
  readonly configFile?: string | undefined
  /** Settings by key that the supervisor decides. */
  readonly overrides: Readonly<Record<string, string | number | boolean | readonly string[]>>
  /** Where the password of Redis is, if the supervisor decides it: everybody on the machine can read an argument. */
  readonly redisPasswordFile?: string | undefined
  /** Path of the hub's socket where members share one embedded store; those then are told who leads. */
  readonly hub?: string | undefined
}

/** From a member to its supervisor. */
export type FromMember =
  /** It serves. `fingerprint` is that of its identity, in hex. */
  | { readonly type: "ready"; readonly port: number; readonly adminPort: number; readonly fingerprint: string }
  /** Once a second. */
  | ({ readonly type: "status" } & RelayFigures)
  /** It does not start because of the operator; the line says why. */
  | { readonly type: "refused"; readonly line: string }

/** From a supervisor to a member. */
export type ToMember =
  /** From now on this member runs the jobs that one of them does for all. */
  { readonly type: "lead" }

/** A message of a member, or `undefined` for any other that the channel carries. */
export function fromMember(message: unknown): FromMember | undefined {
  const type = typeof message === "object" && message !== null && "type" in message ? message.type : undefined
  return type === "ready" || type === "status" || type === "refused" ? (message as FromMember) : undefined
}

/** Whether it tells a member to lead. */
export function isLead(message: unknown): message is ToMember {
  return typeof message === "object" && message !== null && "type" in message && message.type === "lead"
}
