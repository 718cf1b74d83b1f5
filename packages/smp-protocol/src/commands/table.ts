import type { Command } from "../commands.ts"
import type { Party, ServiceRole } from "../types.ts"
import type { BlobCommand } from "./blob.ts"
import type { Codec } from "./codec.ts"
import { ldelCodec, lgetCodec, lkeyCodec, lsetCodec } from "./link.ts"
import { newCodec } from "./new.ts"
import { pfwdCodec, prxyCodec, rfwdCodec } from "./proxy.ts"
import {
  ackCodec,
  delCodec,
  getCodec,
  keyCodec,
  ndelCodec,
  nkeyCodec,
  offCodec,
  queCodec,
  rkeyCodec,
  subCodec,
} from "./recipient.ts"
import { rslvCodec } from "./resolve.ts"
import { pingCodec, sendCodec, skeyCodec } from "./sender.ts"
import { nsubCodec, nsubsCodec, subsCodec } from "./service.ts"

/**
 * Which of authorization and entity id a command must or must not have (smp.md §2, second table):
 * `creator` an authorization and no entity; `entity` both; `send` an entity, authorization optional;
 * `open` an entity and no authorization; `none` neither.
 */
export type CredentialRule = "creator" | "entity" | "send" | "open" | "none"

/** Everything that depends on the tag of a command alone. */
export interface CommandSpec<C> {
  readonly codec: Codec<C>
  readonly party: Party
  readonly credentials: CredentialRule
  /** Role that a service connection needs for this command; `any` for `PING` (smp.md §2.8). */
  readonly role: ServiceRole | "any"
  /** A service connection adds its signature to this command (smp.md §3.1). */
  readonly serviceSigned: boolean
}

type Own = Exclude<Command, BlobCommand>
type Table = { readonly [T in Own["tag"]]: CommandSpec<Extract<Own, { tag: T }>> }

function spec<C>(
  codec: Codec<C>,
  party: Party,
  credentials: CredentialRule,
  role: ServiceRole | "any",
  serviceSigned = false,
): CommandSpec<C> {
  return { codec, party, credentials, role, serviceSigned }
}

const recipient = <C>(codec: Codec<C>, serviceSigned = false): CommandSpec<C> =>
  spec(codec, "recipient", "entity", "M", serviceSigned)

/** The one list of all commands of the protocol; those of extensions are in `extensions.ts`. */
export const COMMANDS: Table = {
  NEW: spec(newCodec, "creator", "creator", "M", true),
  SUB: recipient(subCodec, true),
  SUBS: spec(subsCodec, "recipient-service", "entity", "M"),
  KEY: recipient(keyCodec),
  RKEY: recipient(rkeyCodec),
  LSET: recipient(lsetCodec),
  LDEL: recipient(ldelCodec),
  NKEY: recipient(nkeyCodec),
  NDEL: recipient(ndelCodec),
  GET: recipient(getCodec),
  ACK: recipient(ackCodec),
  OFF: recipient(offCodec),
  DEL: recipient(delCodec),
  QUE: recipient(queCodec),
  SKEY: spec(skeyCodec, "sender", "entity", "M"),
  SEND: spec(sendCodec, "sender", "send", "M"),
  PING: spec(pingCodec, "idle", "none", "any"),
  LKEY: spec(lkeyCodec, "link", "entity", "M"),
  LGET: spec(lgetCodec, "link", "open", "M"),
  NSUB: spec(nsubCodec, "notifier", "entity", "N", true),
  NSUBS: spec(nsubsCodec, "notifier-service", "entity", "N"),
  PRXY: spec(prxyCodec, "proxied", "none", "M"),
  PFWD: spec(pfwdCodec, "proxied", "open", "M"),
  RFWD: spec(rfwdCodec, "proxy", "none", "P"),
  RSLV: spec(rslvCodec, "resolver", "none", "M"),
}

/** Specification of a tag that came off the wire, `undefined` if there is no such command. */
export function commandSpec(tag: string): CommandSpec<Command> | undefined {
  return byTag.get(tag)
}

/** A `Map`, because an object would also find `constructor` and its like. */
const byTag: ReadonlyMap<string, CommandSpec<Command>> = new Map(
  Object.entries(COMMANDS) as unknown as [string, CommandSpec<Command>][],
)
