import type { NameRecord } from "@sluice/smp-protocol/messages/name"
import type { LnkMessage } from "@sluice/smp-protocol/messages/queue"
import type { EntityId } from "@sluice/smp-protocol/types"
import { ask } from "./answer.ts"
import type { LinkContent } from "./queue-types.ts"
import type { AuthKeyPair, CallOptions, CommandChannel, Request } from "./request.ts"

/** `LGET` as a request. */
export function getLinkRequest(linkId: EntityId): Request {
  return { command: { tag: "LGET" }, entityId: linkId }
}

/** `LKEY` as a request: authorized by the very key that it hands over. */
export function secureByLinkRequest(linkId: EntityId, keys: AuthKeyPair): Request {
  return { command: { tag: "LKEY", senderKey: keys.publicKey }, entityId: linkId, key: keys.privateKey }
}

/** `RSLV` as a request. */
export function resolveRequest(name: string): Request {
  return { command: { tag: "RSLV", name } }
}

/** What `LNK` says, in arrays of its own. */
export function linkContent({ senderId, data }: LnkMessage): LinkContent {
  return { senderId: senderId.slice(), data: { fixed: data.fixed.slice(), user: data.user.slice() } }
}

/** `LGET`. */
export async function getLink(channel: CommandChannel, linkId: EntityId, call?: CallOptions): Promise<LinkContent> {
  return linkContent(await ask(channel, getLinkRequest(linkId), call, "LNK"))
}

/** `LKEY`. */
export async function secureByLink(
  channel: CommandChannel,
  linkId: EntityId,
  keys: AuthKeyPair,
  call?: CallOptions,
): Promise<LinkContent> {
  return linkContent(await ask(channel, secureByLinkRequest(linkId, keys), call, "LNK"))
}

/** `RSLV`. */
export async function resolveName(channel: CommandChannel, name: string, call?: CallOptions): Promise<NameRecord> {
  return (await ask(channel, resolveRequest(name), call, "RNAME")).record
}
