import type { Codec } from "../commands/codec.ts"
import type { BrokerMessage } from "../messages.ts"
import { VERSION } from "../versions.ts"
import type { BlobMessage } from "./blob.ts"
import { msgCodec, nmsgCodec } from "./delivery.ts"
import { errCodec, pongCodec } from "./error.ts"
import { infoCodec } from "./info.ts"
import { rnameCodec } from "./name.ts"
import { pkeyCodec, presCodec, rresCodec } from "./proxy.ts"
import { deldCodec, idsCodec, lnkCodec, nidCodec, okCodec } from "./queue.ts"
import { allsCodec, endCodec, endsCodec, sokCodec, soksCodec } from "./subscription.ts"

/** Whether a message must, may or must not name an entity (smp.md §6, last paragraph). */
export type EntityRule = "required" | "optional" | "forbidden"

/** Everything that depends on the tag of a message alone. */
export interface MessageSpec<M> {
  readonly codec: Codec<M>
  readonly entity: EntityRule
  /** Below this version the message is written as the other one, a tag without parameters. */
  readonly fallback?: { readonly below: number; readonly tag: "OK" | "END" }
}

type Own = Exclude<BrokerMessage, BlobMessage>
type Table = { readonly [T in Own["tag"]]: MessageSpec<Extract<Own, { tag: T }>> }

/** The one list of all messages of the protocol's servers; `BLOB`, of an extension, is in `blob.ts`. */
export const MESSAGES: Table = {
  IDS: { codec: idsCodec, entity: "optional" },
  LNK: { codec: lnkCodec, entity: "required" },
  SOK: { codec: sokCodec, entity: "required", fallback: { below: VERSION.SERVICE_CERTIFICATES, tag: "OK" } },
  SOKS: { codec: soksCodec, entity: "required" },
  MSG: { codec: msgCodec, entity: "required" },
  ALLS: { codec: allsCodec, entity: "forbidden" },
  NID: { codec: nidCodec, entity: "required" },
  NMSG: { codec: nmsgCodec, entity: "required" },
  PKEY: { codec: pkeyCodec, entity: "forbidden" },
  RRES: { codec: rresCodec, entity: "forbidden" },
  PRES: { codec: presCodec, entity: "required" },
  END: { codec: endCodec, entity: "required" },
  ENDS: { codec: endsCodec, entity: "required" },
  DELD: { codec: deldCodec, entity: "required", fallback: { below: VERSION.DELETED_EVENT, tag: "END" } },
  INFO: { codec: infoCodec, entity: "required" },
  OK: { codec: okCodec, entity: "required" },
  ERR: { codec: errCodec, entity: "optional" },
  PONG: { codec: pongCodec, entity: "forbidden" },
  RNAME: { codec: rnameCodec, entity: "forbidden" },
}

/** Specification of a tag that came off the wire, `undefined` if there is no such message. */
export function messageSpec(tag: string): MessageSpec<BrokerMessage> | undefined {
  return byTag.get(tag)
}

const byTag: ReadonlyMap<string, MessageSpec<BrokerMessage>> = new Map(
  Object.entries(MESSAGES) as unknown as [string, MessageSpec<BrokerMessage>][],
)
