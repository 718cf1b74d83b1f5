import { equalBytes } from "@sluice/encoding/bytes"
import { formatFullLink } from "@sluice/short-links/full-link"
import { contactSecrets } from "@sluice/short-links/link-keys"
import { makeLink, sealUserData } from "@sluice/short-links/make-link"
import { formatShortLink, parseShortLink, type ShortLink } from "@sluice/short-links/short-link"
import type { LinkData } from "@sluice/smp-protocol/types"
import { primaryReceiveQueue } from "../connection/draft.ts"
import { queueUri } from "../connection/new-queues.ts"
import { AgentError, prohibited } from "../errors.ts"
import { ownerOf } from "../network/session-key.ts"
import type { ConnectionId, ConnectionRecord, LinkCredentials, ReceiveQueueRecord, UserId } from "../store/records.ts"
import type { AgentContext } from "./context.ts"
import { userData } from "./create.ts"
import { linkError, readLink } from "./link-reading.ts"

/** What is behind a short link. */
export interface LinkContents {
  readonly kind: "invitation" | "contact"
  /** What its owner shows to whoever reads it. */
  readonly linkData: Uint8Array
  /** The full link, to join with; joining with the short one does as well. */
  readonly link: string
}

/** Reads a short link without joining. Reading a one-time link locks it to this agent. Rejects with `AgentError`. */
export async function readShortLink(context: AgentContext, userId: UserId, text: string): Promise<LinkContents> {
  context.users.get(userId)
  let link: ShortLink
  try {
    link = parseShortLink(text)
  } catch (error) {
    throw linkError(error)
  }
  const { request, user } = await readLink(context, userId, link)
  return { kind: request.kind, linkData: user.appData, link: formatFullLink(request) }
}

/**
 * Writes the data behind the short link of a connection, and gives the link. A contact address without one gets it; an
 * invitation has one from its beginning, or never. Rejects with `AgentError`.
 */
export async function writeShortLink(
  context: AgentContext,
  connectionId: ConnectionId,
  linkData: Uint8Array,
): Promise<string> {
  const record = await context.connections.get(connectionId)
  const queue = linkQueue(record)
  if (queue.link === undefined && record.kind !== "contact") throw prohibited("link: an invitation without a link")
  const link = queue.link ?? (await newLink(context, record, queue))
  const data = sealed(context, record, link, linkData)
  await context.pool.ask(ownerOf(record), queue.server, (relay) => relay.setLink(queue, link.linkId, data))
  return formatShortLink(shortLinkOf(record, queue, link))
}

/** Removes the short link of a connection; its queue stays. */
export async function removeShortLink(context: AgentContext, connectionId: ConnectionId): Promise<void> {
  const record = await context.connections.get(connectionId)
  const queue = linkQueue(record)
  await context.pool.ask(ownerOf(record), queue.server, (relay) => relay.deleteLink(queue))
  await context.connections.change(connectionId, (draft) => draft.setReceiveQueue(queue.key, { link: undefined }))
}

/** Keys of a new link, stored before the server hears of it: whoever repeats the call makes the same link. */
async function newLink(
  context: AgentContext,
  record: ConnectionRecord,
  queue: ReceiveQueueRecord,
): Promise<LinkCredentials> {
  const { crypto, versions, connections } = context
  const root = crypto.generateKeyPair("ed25519")
  const address = { ...queueUri(queue, versions.client), mode: "contact" } as const
  const request = { kind: "contact", agentVersions: versions.agent, queues: [address] } as const
  const made = makeLink(crypto, root, { agentVersions: versions.agent, request }, userData(context, "contact", NOTHING))
  if (made.linkId === undefined) throw new AgentError({ code: "INTERNAL", text: "link without an id" })
  const { linkId, linkKey, data } = made
  const link: LinkCredentials = { linkId, linkKey, signingKey: root.privateKey, fixed: data.fixed }
  await connections.change(record.id, (draft) => draft.setReceiveQueue(queue.key, { link }))
  return link
}

const NOTHING = new Uint8Array(0)

/** The fixed part as it was, and the new user part. */
function sealed(
  context: AgentContext,
  { kind }: ConnectionRecord,
  link: LinkCredentials,
  linkData: Uint8Array,
): LinkData {
  const { crypto } = context
  const { linkKey, linkId, signingKey, rootKey = crypto.publicKeyOf(signingKey), fixed } = link
  const of = kind === "contact" ? "contact" : "invitation"
  if (of === "contact" && !equalBytes(contactSecrets(crypto, linkKey).linkId, linkId)) {
    throw new AgentError({ code: "INTERNAL", text: "link id and key do not fit" })
  }
  try {
    return {
      fixed,
      user: sealUserData(crypto, { kind: of, linkKey, rootKey, signingKey }, userData(context, of, linkData)),
    }
  } catch (error) {
    throw linkError(error)
  }
}

function linkQueue(record: ConnectionRecord): ReceiveQueueRecord {
  const queue = primaryReceiveQueue(record)
  if (queue === undefined) throw new AgentError({ code: "CONN", reason: "SIMPLEX" })
  return queue
}

function shortLinkOf({ kind }: ConnectionRecord, { server }: ReceiveQueueRecord, link: LinkCredentials): ShortLink {
  const { linkId, linkKey } = link
  const common = { scheme: "https", server, linkKey } as const
  return kind === "contact" ? { kind, contactType: "contact", ...common } : { kind: "invitation", linkId, ...common }
}
