import type { KeyPair } from "@sluice/crypto/keys"
import { equalBytes } from "@sluice/encoding/bytes"
import type { Server } from "@sluice/encoding/server-address"
import type { ConnectionRequest } from "@sluice/short-links/connection-request"
import { agentLinkError, LinkError } from "@sluice/short-links/errors"
import { linkSecrets } from "@sluice/short-links/link-keys"
import { type ResolvedLink, resolveLink } from "@sluice/short-links/open-link"
import { restoreLink } from "@sluice/short-links/presets"
import { sameQueue } from "@sluice/short-links/queue-uri"
import type { ContactLink, InvitationLink, ShortLink } from "@sluice/short-links/short-link"
import type { LinkContent } from "@sluice/smp-client/queue-types"
import { AgentError, peerError } from "../errors.ts"
import { ownerWithoutConnection } from "../network/session-key.ts"
import type { ReadLinkRecord, UserId } from "../store/records.ts"
import type { AgentContext } from "./context.ts"

/**
 * Reads what is behind a short link, and verifies it (short-links.md §8). Reading a one-time link locks it to a key, which
 * is stored first: whoever repeats the call, or joins, uses the same one. Rejects with `AgentError`.
 */
export async function readLink(context: AgentContext, userId: UserId, text: ShortLink): Promise<ResolvedLink> {
  const known = context.users.servers(userId).map(({ address }) => address)
  const link = restoreLink(text, known)
  const answer = link.kind === "invitation" ? await readOnce(context, userId, link) : await ask(context, userId, link)
  try {
    return resolveLink(context.crypto, link, answer)
  } catch (error) {
    throw linkError(error)
  }
}

async function readOnce(context: AgentContext, userId: UserId, link: InvitationLink): Promise<LinkContent> {
  const { store, crypto } = context
  const { server, linkId, linkKey } = link
  const before = await store.get("links", [linkKey])
  const known = before !== undefined && equalBytes(before.linkId, linkId) ? before : undefined
  const record: ReadLinkRecord = known ?? { server, linkId, linkKey, senderKeys: crypto.generateKeyPair("ed25519") }
  if (known === undefined) await store.commit([{ table: "links", put: record }])
  const { value } = await context.routes.send(ownerWithoutConnection(userId), server, (relay) =>
    relay.secureByLink(linkId, record.senderKeys),
  )
  await store.commit([{ table: "links", put: { ...record, senderId: value.senderId } }])
  return value
}

async function ask(context: AgentContext, userId: UserId, link: ContactLink): Promise<LinkContent> {
  const { linkId } = linkSecrets(context.crypto, link)
  return (await context.routes.send(ownerWithoutConnection(userId), link.server, (relay) => relay.getLink(linkId)))
    .value
}

/** The key that the queue of a request was secured with when its link was read, if it was. */
export async function readKeyOf(
  { store }: AgentContext,
  { queues: [queue] }: ConnectionRequest,
): Promise<KeyPair<"ed25519"> | undefined> {
  return (await readRecordOf(store, queue))?.senderKeys
}

/** The link was used: what was kept of it goes. */
export async function forgetLink({ store }: AgentContext, { queues: [queue] }: ConnectionRequest): Promise<void> {
  const record = await readRecordOf(store, queue)
  if (record !== undefined) await store.commit([{ table: "links", remove: [record.linkKey] }])
}

async function readRecordOf(
  store: AgentContext["store"],
  queue: { readonly server: Server; readonly senderId: Uint8Array },
): Promise<ReadLinkRecord | undefined> {
  const links = await store.list("links")
  return links.find(({ server, senderId }) => senderId !== undefined && sameQueue({ server, senderId }, queue))
}

/** What is wrong with a link or its data, in the words of agents. Everything else passes. */
export function linkError(error: unknown): unknown {
  if (!(error instanceof LinkError)) return error
  const problem = agentLinkError(error.problem)
  switch (problem?.type) {
    case "A_LINK":
    case "A_MESSAGE":
      return peerError(problem)
    case "A_CRYPTO":
      return peerError({ type: "A_CRYPTO", error: { type: "DECRYPT_CB" } })
    default:
      return new AgentError({ code: "CMD", reason: "SYNTAX", context: `link: ${error.code}` }, { cause: error })
  }
}
