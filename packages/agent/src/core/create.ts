import type { KeyPair } from "@sluice/crypto/keys"
import { equalBytes } from "@sluice/encoding/bytes"
import type { ServerAddress } from "@sluice/encoding/server-address"
import { type OwnKeys, proposeKeys, publicInvitation } from "@sluice/ratchet/keys"
import type { ConnectionRequest } from "@sluice/short-links/connection-request"
import { formatFullLink } from "@sluice/short-links/full-link"
import { type MadeLink, makeLink } from "@sluice/short-links/make-link"
import { formatShortLink, type ShortLink } from "@sluice/short-links/short-link"
import type { UserLinkData } from "@sluice/short-links/user-data"
import type { CreatedQueue } from "@sluice/smp-client/queue-types"
import { senderIdOf } from "@sluice/smp-protocol/sender-id"
import { ID_LENGTH } from "@sluice/smp-protocol/types"
import { linkParameters } from "../connection/invitation-params.ts"
import { emptyConnection, newConnectionId } from "../connection/new-connection.ts"
import { addReceiveQueue, plainServer } from "../connection/new-queues.ts"
import { AgentError, prohibited } from "../errors.ts"
import { withoutPassword } from "../network/network-error.ts"
import { type InitialKeys, initialKeysPlan } from "../protocol/initial-keys.ts"
import type { ConnectionId, ConnectionRecord, LinkCredentials, UserId } from "../store/records.ts"
import { envOf } from "./base.ts"
import type { AgentContext } from "./context.ts"
import { createNotified } from "./create-notified.ts"
import { linkError } from "./link-reading.ts"
import { subscribed } from "./subscribed.ts"

/** What is to be created, and how. */
export interface CreateOptions {
  /** `invitation` (default) for one peer, `contact` for an address that anybody can ask. */
  readonly kind?: "invitation" | "contact" | undefined
  /** Post-quantum keys; default `link`. `use` is not possible for addresses. */
  readonly keys?: InitialKeys | undefined
  /** Makes a short link, behind which this data of the app is read. */
  readonly linkData?: Uint8Array | undefined
  /** Text of the app inside of the link itself. */
  readonly clientData?: string | undefined
  /** False makes a queue whose messages are fetched. Default true. */
  readonly subscribe?: boolean | undefined
  /** Default a new one, see `Agent.newConnectionId`. */
  readonly connectionId?: ConnectionId | undefined
  /** Signs link data; default new ones. */
  readonly rootKeys?: KeyPair<"ed25519"> | undefined
  /** ID of the app in the link data, which never changes; at most 255 bytes. */
  readonly linkEntityId?: Uint8Array | undefined
  /** Gives up; the call rejects with its reason. */
  readonly signal?: AbortSignal | undefined
}

/** What to give to the peer. */
export interface CreatedConnection {
  readonly connectionId: ConnectionId
  /** The full link, `simplex:/…`. */
  readonly link: string
  /** Present if link data was given and the relay keeps such. */
  readonly shortLink?: string | undefined
}

/** Everything of a connection that exists before its queue does. */
export interface Plan {
  readonly kind: "invitation" | "contact"
  readonly server: ServerAddress
  readonly corrId: Uint8Array
  readonly e2eKeys: KeyPair<"x25519">
  readonly keys: OwnKeys | undefined
  readonly options: CreateOptions
}

/** A connection that is planned to the last byte, so that its links are known before any server is. */
export interface PreparedConnection {
  readonly userId: UserId
  readonly connectionId: ConnectionId
  readonly plan: Plan
  readonly link?: { readonly root: KeyPair<"ed25519">; readonly made: MadeLink } | undefined
}

/** Makes a queue and the links that lead to it (agent.md §6 and §7, short-links.md §6). Rejects with `AgentError`. */
export async function createConnection(
  context: AgentContext,
  userId: UserId,
  options: CreateOptions,
): Promise<CreatedConnection> {
  const { connectionId } = options
  const known = connectionId && (await context.store.get("connections", [connectionId]))
  return known === undefined ? await createPrepared(context, prepare(context, userId, options)) : createdBefore(known)
}

/** Plans a connection without asking anybody. Throws `AgentError` NO_USER, NO_SERVERS or PROHIBITED. */
export function prepare(context: AgentContext, userId: UserId, options: CreateOptions): PreparedConnection {
  const { users, crypto, kem, random } = context
  users.get(userId)
  const { kind = "invitation", keys: initial = "link", linkData, connectionId = newConnectionId(crypto) } = options
  const pq = initialKeysPlan(initial)
  if (kind === "contact" && pq.fullLink) throw prohibited("create: PQ keys in a contact address")
  const withKem = pq.fullLink || (linkData !== undefined && pq.shortLink)
  const plan: Plan = {
    kind,
    server: users.storageServer(userId, [], random),
    corrId: crypto.randomBytes(ID_LENGTH),
    e2eKeys: crypto.generateKeyPair("x25519"),
    keys: kind === "invitation" ? proposeKeys({ crypto, kem }, withKem) : undefined,
    options,
  }
  if (linkData === undefined) return { userId, connectionId, plan }
  const root = options.rootKeys ?? crypto.generateKeyPair("ed25519")
  return { userId, connectionId, plan, link: { root, made: sealed(context, plan, root) } }
}

/** The links of a planned contact address with link data, whose queue is still to be made (short-links.md §7). */
export function preparedLinks(
  context: AgentContext,
  { plan, link, connectionId }: PreparedConnection,
): CreatedConnection {
  const linkId = link?.made.linkId
  if (plan.kind !== "contact" || link === undefined || linkId === undefined) {
    throw prohibited("prepare: only a contact address with link data has links before it has a queue")
  }
  const full = request(context, plan, senderIdOf(context.crypto, plan.corrId), "contact", false)
  const short = shortLink(plan, link.made, { linkId })
  return { connectionId, link: formatFullLink(full), shortLink: formatShortLink(short) }
}

/** Makes the queue of a plan. Rejects with `AgentError`. */
export async function createPrepared(context: AgentContext, prepared: PreparedConnection): Promise<CreatedConnection> {
  const { userId, connectionId, plan, link } = prepared
  const created = await newQueue(context, { userId, connectionId }, plan, link?.made)
  const credentials = link && credentialsOf(link.made, link.root, created)
  const { fullLink } = initialKeysPlan(plan.options.keys ?? "link")
  const links = {
    link: formatFullLink(request(context, plan, created.senderId, created.mode, fullLink)),
    shortLink: link && credentials && formatShortLink(shortLink(plan, link.made, credentials)),
  }
  await storeConnection(context, { userId, connectionId }, plan, created, { links, credentials })
  return { connectionId, ...links }
}

/** The call is repeated, because its caller has not heard that it had succeeded. */
function createdBefore({ id, links }: ConnectionRecord): CreatedConnection {
  if (links === undefined) throw new AgentError({ code: "CONN", reason: "DUPLICATE" })
  return { connectionId: id, ...links }
}

function sealed(context: AgentContext, plan: Plan, root: KeyPair<"ed25519">): MadeLink {
  const { crypto, versions } = context
  const { kind, options, corrId } = plan
  const mode = kind === "contact" ? "contact" : "messaging"
  const fixed = {
    agentVersions: versions.agent,
    request: request(context, plan, senderIdOf(crypto, corrId), mode, true),
    linkEntityId: options.linkEntityId,
  }
  try {
    return makeLink(crypto, root, fixed, userData(context, kind, options.linkData ?? new Uint8Array(0)))
  } catch (error) {
    throw linkError(error)
  }
}

/** What stands behind a link besides the request. */
export function userData({ versions }: AgentContext, kind: ShortLink["kind"], appData: Uint8Array): UserLinkData {
  const agentVersions = versions.agent
  if (kind === "invitation") return { kind, agentVersions, appData }
  return { kind, agentVersions, direct: true, owners: [], relays: [], appData }
}

async function newQueue(
  context: AgentContext,
  owner: { readonly userId: UserId; readonly connectionId: ConnectionId },
  { kind, server, corrId, options }: Plan,
  made: MadeLink | undefined,
): Promise<CreatedQueue> {
  const mode = kind === "contact" ? "contact" : "messaging"
  const link = made && { data: made.data, linkId: made.linkId }
  const subscribe = options.subscribe !== false
  const how = { mode, subscribe, corrId, link } as const
  const created = await context.pool.ask(owner, server, (relay) =>
    createNotified(relay, context.notifications.wanted, how, { signal: options.signal }),
  )
  const wrong = wrongAnswer(context, created, corrId, made)
  if (wrong !== undefined) throw unexpected(server, wrong)
  return created
}

function unexpected(server: ServerAddress, text: string): AgentError {
  return new AgentError({ code: "BROKER", server: withoutPassword(server), error: { type: "UNEXPECTED", text } })
}

/** How the server's answer contradicts what was asked for (short-links.md §6). */
function wrongAnswer(
  { crypto }: AgentContext,
  created: CreatedQueue,
  corrId: Uint8Array,
  made: MadeLink | undefined,
): string | undefined {
  // A server that keeps no link data makes its own ids: then there is only a full link.
  if (made === undefined || created.linkId === undefined) return undefined
  if (!equalBytes(created.senderId, senderIdOf(crypto, corrId))) return "Create queue: different sender ID"
  const sameLink = made.linkId === undefined || equalBytes(made.linkId, created.linkId)
  return sameLink ? undefined : "Create queue: different sender or link IDs"
}

function credentialsOf(
  made: MadeLink,
  root: KeyPair<"ed25519">,
  { linkId }: CreatedQueue,
): LinkCredentials | undefined {
  if (linkId === undefined) return undefined
  return { linkId, linkKey: made.linkKey, signingKey: root.privateKey, fixed: made.data.fixed }
}

/** The record and the subscription in one turn, so that a first message finds both. */
function storeConnection(
  context: AgentContext,
  { userId, connectionId }: { readonly userId: UserId; readonly connectionId: ConnectionId },
  { kind, server, e2eKeys, keys, options }: Plan,
  created: CreatedQueue,
  { links, credentials: link }: { links: ConnectionRecord["links"]; credentials: LinkCredentials | undefined },
): Promise<void> {
  const { connection: pq } = initialKeysPlan(options.keys ?? "link")
  const onlyCreate = options.subscribe === false
  if (!onlyCreate) context.subscriptions.created(subscribed({ id: connectionId, userId }, { server, ...created }))
  const record = { ...emptyConnection(envOf(context), { id: connectionId, userId, kind, pq }), keys, links }
  return context.connections.create(record, (draft) => {
    addReceiveQueue(draft, { server, created, e2eKeys }, { onlyCreate, link })
  })
}

function request(
  { versions }: AgentContext,
  { kind, server, e2eKeys, keys, options }: Plan,
  senderId: Uint8Array,
  mode: CreatedQueue["mode"],
  withKem: boolean,
): ConnectionRequest {
  const queue = { versions: versions.client, server: plainServer(server), senderId, dhKey: e2eKeys.publicKey, mode }
  const data = { agentVersions: versions.agent, queues: [queue] as const, clientData: options.clientData }
  if (kind === "contact" || keys === undefined) return { kind: "contact", ...data, queues: [queue] }
  const own = withKem ? keys : { ...keys, kem: undefined }
  return { kind: "invitation", ...data, queues: [queue], e2e: linkParameters(publicInvitation(own, versions.e2e)) }
}

function shortLink(
  { kind, server }: Plan,
  { linkKey }: MadeLink,
  { linkId }: Pick<LinkCredentials, "linkId">,
): ShortLink {
  const common = { scheme: "https", server: plainServer(server), linkKey } as const
  return kind === "contact" ? { kind, contactType: "contact", ...common } : { kind, linkId, ...common }
}
