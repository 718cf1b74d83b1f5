import type { ServerAddress } from "@sluice/encoding/server-address"
import { sleep, type Timer } from "@sluice/ops/clock"
import type { EventHub } from "@sluice/smp-client/event-hub"
import type { InfoMessage } from "@sluice/smp-protocol/messages/info"
import type { NameRecord } from "@sluice/smp-protocol/messages/name"
import { primarySendQueue } from "./connection/draft.ts"
import { newConnectionId } from "./connection/new-connection.ts"
import { enqueue } from "./connection/outgoing.ts"
import { startSync } from "./connection/resync.ts"
import { abortSwitch, startSwitch } from "./connection/rotation.ts"
import { requireSendable } from "./connection/sync-state.ts"
import { abortable } from "./core/abortable.ts"
import { acknowledge } from "./core/acknowledge.ts"
import { type AgentOptions, buildContext } from "./core/build-context.ts"
import { changeUser } from "./core/change-user.ts"
import { cleanUp } from "./core/clean-up.ts"
import { type AgentCommand, Commands } from "./core/commands.ts"
import { type ConnectionInfo, connectionInfo } from "./core/connection-info.ts"
import type { AgentContext } from "./core/context.ts"
import {
  type CreatedConnection,
  type CreateOptions,
  createConnection,
  createPrepared,
  type PreparedConnection,
  prepare,
  preparedLinks,
} from "./core/create.ts"
import { deleteConnectionNow, deleteConnections, deleteUser } from "./core/deletion.ts"
import { acceptRequest, allowConnection, type Joined, type JoinOptions, join } from "./core/join.ts"
import { type LinkContents, readShortLink, removeShortLink, writeShortLink } from "./core/links.ts"
import { NoiseMaker } from "./core/noise-maker.ts"
import { queueInfo, resolveName, suspendQueues } from "./core/queue-commands.ts"
import { removeRequest } from "./core/requests.ts"
import { type ServerTestFailure, testServer } from "./core/server-test.ts"
import { fetchMessages, type SubscribeFailure, subscribeAll } from "./core/subscribing.ts"
import { type EventReference, unanswered } from "./core/unanswered.ts"
import { type Undecided, undecided } from "./core/undecided.ts"
import { AgentError } from "./errors.ts"
import type { AgentEvent } from "./events.ts"
import { asAgentError } from "./network/network-error.ts"
import { type NetworkOptions, networkSettings, type ServerSetting } from "./network/settings.ts"
import { Notifications } from "./notifications/notifications.ts"
import type { ConnectionId, ConnectionRecord, UserId } from "./store/records.ts"

/** How a message is sent. */
export interface SendOptions {
  /** The peer's notifier is told. Default true. */
  readonly notify?: boolean | undefined
  /** Post-quantum keys on or off from this message on; default as it is. */
  readonly pq?: boolean | undefined
}

/** What calls that wait for a network accept. */
export interface CallOptions {
  /** Gives up waiting; the call rejects with the reason of the signal. What was said to a relay stays said. */
  readonly signal?: AbortSignal | undefined
}

/** A message that is stored and will be delivered. */
export interface Sent {
  readonly messageId: number
  /** Post-quantum keys protect it. */
  readonly pq: boolean
}

const FIRST_CLEAN_UP = 30_000
const CLEAN_UP_EVERY = 300_000

/**
 * Duplex, end-to-end encrypted connections to other agents, over queues of relays that know neither side (agent.md).
 *
 * Everything that a call has promised is stored when it resolves, and goes on after a restart. Failures are `AgentError`s
 * whose `problem` tells what is wrong. What happens by itself comes as events, to callbacks or as a stream.
 */
export class Agent implements AsyncDisposable {
  readonly #context: AgentContext
  readonly #noise: NoiseMaker
  readonly #commands: Commands
  /** Push notifications of this device. */
  readonly notifications: Notifications
  #timer: Timer | undefined
  #closed: Promise<void> | undefined

  private constructor(context: AgentContext) {
    this.#context = context
    this.#noise = new NoiseMaker(context)
    this.#commands = new Commands(context)
    this.notifications = new Notifications(context)
  }

  /** Opens an agent on its store, and goes on with all that it had begun. Receiving starts with {@link subscribe}. */
  static async open(options: AgentOptions): Promise<Agent> {
    const context = buildContext(options)
    const agent = new Agent(context)
    await context.users.load()
    await agent.#begin()
    return agent
  }

  /** What happens: `events.on(type, …)`, `events.once(type)`, `for await (const event of events.stream())`. */
  get events(): EventHub<AgentEvent> {
    return this.#context.events
  }

  // Users

  /** A user with these servers, at least one of which can keep queues. */
  createUser(servers: readonly ServerSetting[]): Promise<UserId> {
    return this.#context.users.create(servers)
  }

  /** IDs of all users, without those that are being deleted. */
  users(): readonly UserId[] {
    return this.#context.users.list().flatMap(({ id, deleted }) => (deleted === true ? [] : [id]))
  }

  /** Servers for new queues and as proxies; queues that exist stay where they are. */
  async setServers(userId: UserId, servers: readonly ServerSetting[]): Promise<void> {
    await this.#context.users.put({ ...this.#context.users.get(userId), servers })
  }

  /** Whether a server can be used with this address; what failed, if something did. */
  testServer(address: ServerAddress, { signal }: CallOptions = {}): Promise<ServerTestFailure | undefined> {
    return testServer(this.#context, address, signal)
  }

  /** Deletes a user and all connections; with `queues` false only here, and at once. `user-deleted` tells the end. */
  deleteUser(userId: UserId, { queues = true }: { readonly queues?: boolean } = {}): Promise<void> {
    return deleteUser(this.#context, userId, queues)
  }

  // Connections

  /** For calls that are to be repeated with the same connection if they fail. */
  newConnectionId(): ConnectionId {
    return newConnectionId(this.#context.crypto)
  }

  /** Makes an invitation or a contact address, and the links to it. */
  createConnection(userId: UserId, options: CreateOptions = {}): Promise<CreatedConnection> {
    return abortable(options.signal, () => createConnection(this.#context, userId, options))
  }

  /**
   * Plans a contact address with link data, and gives its links, without a network. {@link createPrepared} makes it later;
   * until then nobody can use the links.
   */
  prepareAddress(
    userId: UserId,
    options: CreateOptions,
  ): CreatedConnection & { readonly prepared: PreparedConnection } {
    const prepared = prepare(this.#context, userId, { ...options, kind: "contact" })
    return { ...preparedLinks(this.#context, prepared), prepared }
  }

  /** Makes the queue of a planned address. It can be repeated if it fails. */
  createPrepared(prepared: PreparedConnection, { signal }: CallOptions = {}): Promise<CreatedConnection> {
    return abortable(signal, () => createPrepared(this.#context, prepared))
  }

  /** Uses a link of any kind. With an address, `confirmation` comes when its owner has accepted. */
  joinConnection(userId: UserId, link: string, options: JoinOptions): Promise<Joined> {
    return abortable(options.signal, () => join(this.#context, userId, link, options))
  }

  /** Connects to the one who used the invitation; others who did are left alone. */
  allowConnection(connectionId: ConnectionId, confirmationId: Uint8Array, info: Uint8Array): Promise<void> {
    return allowConnection(this.#context, connectionId, confirmationId, info)
  }

  /** Connects to the one who asked a contact address; the new connection is another one than the address. */
  acceptRequest(invitationId: Uint8Array, options: Omit<JoinOptions, "subscribe">): Promise<Joined> {
    return abortable(options.signal, () => acceptRequest(this.#context, invitationId, options))
  }

  /** Forgets a request. The other side is not told. */
  rejectRequest(invitationId: Uint8Array): Promise<void> {
    return removeRequest(this.#context, invitationId)
  }

  /**
   * The `request` and `confirmation` events that nobody has answered yet, also from before the last start: a program that
   * ended before it had decided does so now.
   */
  undecided(): Promise<Undecided[]> {
    return undecided(this.#context)
  }

  /** An event that was told and is to be answered, once more; `undefined` if it was answered, or its connection is gone. */
  unanswered(of: EventReference): Promise<AgentEvent | undefined> {
    return unanswered(this.#context, of)
  }

  /** IDs of all connections. */
  async connections(): Promise<ConnectionId[]> {
    return (await this.#context.store.list("connections")).flatMap(({ id, deleted }) =>
      deleted === undefined ? [id] : [],
    )
  }

  /** What is known of a connection. */
  async connection(connectionId: ConnectionId): Promise<ConnectionInfo> {
    return connectionInfo(await this.#context.connections.get(connectionId), this.#context.subscriptions)
  }

  /** SHA-256 that is equal on both sides of a connection, unless somebody is in between; 32 bytes. */
  async securityCode(connectionId: ConnectionId): Promise<Uint8Array> {
    const { ratchet } = await this.#context.connections.get(connectionId)
    if (ratchet === undefined) throw new AgentError({ code: "CONN", reason: "SIMPLEX" })
    return this.#context.crypto.sha256(ratchet.associatedData)
  }

  /** What its relay tells of the queue of a connection. */
  queueInfo(connectionId: ConnectionId, { signal }: CallOptions = {}): Promise<InfoMessage> {
    return abortable(signal, () => queueInfo(this.#context, connectionId))
  }

  /** The queues of a connection take no more messages. */
  suspendQueues(connectionId: ConnectionId, { signal }: CallOptions = {}): Promise<void> {
    return abortable(signal, () => suspendQueues(this.#context, connectionId))
  }

  /** Gives an invitation or address that nobody has used to another user. Its queue stays where it is. */
  changeUser(connectionId: ConnectionId, userId: UserId): Promise<void> {
    return changeUser(this.#context, connectionId, userId)
  }

  /** Deletes a connection: it is gone at once, its queues a little later, which `connections-deleted` tells. */
  deleteConnection(
    connectionId: ConnectionId,
    { waitDelivery = false }: { readonly waitDelivery?: boolean } = {},
  ): Promise<void> {
    return deleteConnections(this.#context, [connectionId], waitDelivery)
  }

  /** Deletes a connection and its queues, and fails if a relay does not answer. */
  deleteConnectionNow(connectionId: ConnectionId, { signal }: CallOptions = {}): Promise<void> {
    return abortable(signal, () => deleteConnectionNow(this.#context, connectionId))
  }

  // Short links

  /** What is behind a short link. A one-time link is locked to this agent by it, which can then join. */
  readLink(userId: UserId, shortLink: string, { signal }: CallOptions = {}): Promise<LinkContents> {
    return abortable(signal, () => readShortLink(this.#context, userId, shortLink))
  }

  /** Changes what is read behind the short link of a connection, or gives one to a contact address; the link. */
  setLink(connectionId: ConnectionId, linkData: Uint8Array, { signal }: CallOptions = {}): Promise<string> {
    return abortable(signal, () => writeShortLink(this.#context, connectionId, linkData))
  }

  /** Nobody can use the short link of a connection any more. The full one goes on working. */
  deleteLink(connectionId: ConnectionId, { signal }: CallOptions = {}): Promise<void> {
    return abortable(signal, () => removeShortLink(this.#context, connectionId))
  }

  /** What a name stands for, as a server with the role `names` says. */
  resolveName(userId: UserId, name: string, { signal }: CallOptions = {}): Promise<NameRecord> {
    return abortable(signal, () => resolveName(this.#context, userId, name))
  }

  /**
   * Stores a command to be carried out as soon as it is possible, also after a restart. `command-done` with this
   * correlation tells the end. Gives the ID of the connection that it is about.
   */
  later(correlation: string, command: AgentCommand): Promise<ConnectionId | undefined> {
    return this.#commands.add(correlation, command)
  }

  // Messages

  /** Receives from these connections, or all; gives those that failed. Those that failed for now are tried again. */
  async subscribe(connectionIds?: readonly ConnectionId[]): Promise<SubscribeFailure[]> {
    const { store, connections } = this.#context
    const records: readonly ConnectionRecord[] =
      connectionIds === undefined
        ? await store.list("connections")
        : await Promise.all(connectionIds.map((id) => connections.get(id)))
    return await subscribeAll(this.#context, records)
  }

  /** Fetches messages of a connection that is not subscribed, up to the first one for the user; how many there were. */
  async fetchMessages(connectionId: ConnectionId): Promise<number> {
    return await fetchMessages(this.#context, await this.#context.connections.get(connectionId))
  }

  /** Sends a message of at most 15795 bytes, 13573 with post-quantum keys. It is stored when this resolves. */
  sendMessage(connectionId: ConnectionId, body: Uint8Array, { notify = true, pq }: SendOptions = {}): Promise<Sent> {
    return this.#context.connections.change(connectionId, (draft) => {
      if (primarySendQueue(draft.record) === undefined) throw new AgentError({ code: "CONN", reason: "SIMPLEX" })
      requireSendable(draft)
      const { messageId, pq: used } = enqueue(draft, { tag: "A_MSG", body }, { notify, pq })
      return { messageId, pq: used }
    })
  }

  /** Sends many messages, on one or several connections; those of one connection in their order. */
  sendMessages(
    messages: readonly {
      readonly connectionId: ConnectionId
      readonly body: Uint8Array
      readonly options?: SendOptions
    }[],
  ): Promise<PromiseSettledResult<Sent>[]> {
    return Promise.allSettled(
      messages.map(({ connectionId, body, options }) => this.sendMessage(connectionId, body, options)),
    )
  }

  /** The user is done with a message or a receipt; the next one comes. With `receipt` the peer is told. */
  acknowledge(
    connectionId: ConnectionId,
    messageId: number,
    { receipt }: { readonly receipt?: boolean | Uint8Array } = {},
  ): Promise<void> {
    const info = receipt === true ? new Uint8Array(0) : receipt === false ? undefined : receipt
    return acknowledge(this.#context, connectionId, messageId, info)
  }

  // Queues and keys

  /** Moves the queue that a connection receives from to another server of the user. `switch` events tell the progress. */
  async switchQueue(connectionId: ConnectionId): Promise<void> {
    const { connections, users, random } = this.#context
    await connections.change(connectionId, (draft) => {
      const { userId, receiveQueues, sendQueues } = draft.record
      const all = [...receiveQueues, ...sendQueues].map(({ server }) => server)
      startSwitch(draft, users.storageServer(userId, all, random))
    })
  }

  /** Takes back a rotation that the peer has not answered. */
  abortSwitch(connectionId: ConnectionId): Promise<void> {
    return this.#context.connections.change(connectionId, abortSwitch)
  }

  /** Makes a new ratchet with the peer; needed when `ratchet-sync` says so, or with `force` at any time. */
  synchronizeRatchet(connectionId: ConnectionId, { force = false }: { readonly force?: boolean } = {}): Promise<void> {
    return this.#context.connections.change(connectionId, (draft) => startSync(draft, force))
  }

  // Network

  /** Other network settings: all connections to relays are made anew. */
  async setNetwork(options: NetworkOptions): Promise<void> {
    const { pool, routes, subscriptions } = this.#context
    await pool.configure(networkSettings(options))
    routes.reset()
    await subscriptions.moveAll()
    await this.#context.notifications.disconnect()
    this.#noise.start()
  }

  /** The network is back, or the app in front: what waits to be tried again is tried now. */
  retryNow(): void {
    this.#context.subscriptions.retryNow()
    this.#context.deliveries.retryNow()
    this.#context.steps.retryNow()
    this.#context.notifications.retryNow()
    this.#commands.retryNow().catch((error: unknown) => this.events.emit({ type: "error", error: asAgentError(error) }))
  }

  /**
   * Stops receiving and sending, as before the program is frozen: what is under way is finished, for at most `withinMs`.
   * `suspended` tells the end. Calls that only store something go on working.
   */
  async suspend({ withinMs = 10_000 }: { readonly withinMs?: number } = {}): Promise<void> {
    const { receiver, deliveries, steps, pool, clock, notifications } = this.#context
    const parts = [receiver, deliveries, steps, this.#commands, notifications]
    const stopped = Promise.all(parts.map((part) => part.stop()))
    const cancel = new AbortController()
    await Promise.race([stopped, sleep(clock, withinMs, cancel.signal)])
    cancel.abort()
    await pool.disconnect()
    await notifications.disconnect()
    this.events.emit({ type: "suspended" })
  }

  /** Goes on after {@link suspend}: subscribes again, and delivers what waits. */
  async resume(): Promise<void> {
    const { receiver, deliveries, steps, subscriptions, notifications } = this.#context
    receiver.resume()
    notifications.resume()
    deliveries.resume()
    steps.resume()
    await subscriptions.moveAll()
    await deliveries.wakeAll()
    await this.#commands.resume()
    await steps.startAll()
  }

  /** Removes what is over, as the agent does by itself every 5 minutes. */
  cleanUp(): Promise<void> {
    return cleanUp(this.#context)
  }

  /** Stops everything, and closes the store. What is stored goes on with the next start. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    const { pool, subscriptions, receiver, deliveries, steps, connections, events, store, notifications } =
      this.#context
    this.#timer?.cancel()
    this.#noise.stop()
    const parts = [receiver, deliveries, steps, this.#commands, notifications]
    const stopped = parts.map((part) => part.stop())
    subscriptions.clear()
    await pool.close()
    await notifications.disconnect()
    await Promise.all(stopped)
    await connections.idle()
    await store.close()
    events.emit({ type: "closed", error: new AgentError({ code: "INACTIVE" }) })
  }

  /** Goes on with everything that was under way when the agent was closed, or killed. */
  async #begin(): Promise<void> {
    const { steps, deliveries, notifications } = this.#context
    await notifications.load()
    await steps.startAll()
    await deliveries.wakeAll()
    await this.#commands.resume()
    this.#noise.start()
    this.#cleanUpIn(FIRST_CLEAN_UP)
  }

  #cleanUpIn(ms: number): void {
    const run = (): void => {
      cleanUp(this.#context).then(
        () => this.#cleanUpIn(CLEAN_UP_EVERY),
        () => this.#cleanUpIn(CLEAN_UP_EVERY),
      )
    }
    if (this.#closed === undefined) this.#timer = this.#context.clock.setTimeout(run, ms, { background: true })
  }
}
