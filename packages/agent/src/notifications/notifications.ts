import type { Server } from "@sluice/encoding/server-address"
import type { DeviceToken } from "@sluice/ntf-protocol/device-token"
import type { SealedPush } from "@sluice/ntf-protocol/push-content"
import type { TokenStatus } from "@sluice/ntf-protocol/status"
import { abortable } from "../core/abortable.ts"
import type { AgentContext } from "../core/context.ts"
import { fetchMessages } from "../core/subscribing.ts"
import { prohibited } from "../errors.ts"
import type { ConnectionId } from "../store/records.ts"
import type { NotificationCore } from "./notification-core.ts"
import { type NotifiedMessage, readPush } from "./pushes.ts"
import type { NotificationMode, SubscriptionRecord } from "./records.ts"
import { type NtfTestFailure, testNtfServer } from "./server-test.ts"

/** The registration of this device as its user may see it. */
export interface NotificationState {
  readonly device: DeviceToken
  readonly server: Server
  readonly status: TokenStatus
  readonly mode: NotificationMode
}

/**
 * Push notifications of this device: its registration with a notification server, and a subscription there for each
 * connection (notifications-client.md). What is begun goes on after a restart.
 */
export class Notifications {
  readonly #context: AgentContext
  readonly #core: NotificationCore

  constructor(context: AgentContext) {
    this.#context = context
    this.#core = context.notifications
  }

  /** The registration, if there is one. */
  get state(): NotificationState | undefined {
    const token = this.#core.tokens.current
    if (token === undefined) return undefined
    const { device, server, status, mode } = token
    return { device, server, status, mode }
  }

  /** Notification servers for the next new registration. One that exists stays where it is. */
  setServers(servers: readonly Server[]): void {
    this.#core.servers = servers
  }

  /**
   * Registers this device, or goes on with what there is: repeats a registration without an answer, finishes a
   * verification, changes the mode, moves the registration to another device token. To be called at each start of an app.
   * After `REGISTERED` a verification push comes, for {@link verify}.
   *
   * Rejects with `AgentError`. One with `NTF` `AUTH` says that the server had lost the registration, or another agent has
   * verified the same device token; a new one was made then, whose verification push is on its way.
   */
  register(device: DeviceToken, mode: NotificationMode): Promise<TokenStatus> {
    return this.#core.tokens.register(device, mode)
  }

  /** Proves with the content of a verification push that it has arrived here. */
  verify(device: DeviceToken, push: SealedPush): Promise<TokenStatus> {
    return this.#core.tokens.verify(device, push)
  }

  /** Asks the server for the status of the registration. */
  check(device: DeviceToken): Promise<TokenStatus> {
    return this.#core.tokens.check(device)
  }

  /** Turns notifications off. The registration is gone here at once, and at its server as soon as that is reached. */
  delete(): Promise<void> {
    return this.#core.tokens.delete()
  }

  /** Switches instant notifications of one connection; they are on in a new one. */
  async setConnection(connectionId: ConnectionId, enabled: boolean): Promise<void> {
    await this.#context.connections.change(connectionId, (draft) => {
      draft.set({ notifications: enabled ? undefined : false })
    })
    if (this.#core.wanted) this.#core.supervisor.add(enabled ? "create" : "delete", [connectionId])
  }

  /** The messages that a push is about. */
  read(push: SealedPush): Promise<NotifiedMessage[]> {
    return readPush({ ...this.#context, rows: this.#core.rows, tokens: this.#core.tokens }, push)
  }

  /**
   * Fetches messages of a connection that a push has told of; how many there were. Rejects with `AgentError` PROHIBITED if
   * this agent receives from the connection anyway. If there is none, the push is not read as news again.
   */
  async fetch(message: NotifiedMessage): Promise<number> {
    const { connections, subscriptions } = this.#context
    const { connectionId, queue, meta, time } = message
    const record = await connections.get(connectionId)
    if (record.receiveQueues.some((one) => subscriptions.isActive(one))) {
      throw prohibited("notifications: messages of this connection are received")
    }
    const count = await fetchMessages(this.#context, record)
    if (count === 0) {
      await connections.change(connectionId, (draft) => {
        const known = draft.receiveQueue(queue)?.lastMessageAt ?? 0
        draft.setReceiveQueue(queue, { lastMessageAt: Math.max(known, meta?.timestamp ?? time) })
      })
    }
    return count
  }

  /** Whether a notification server can be used with this address; what failed, if something did. */
  testServer(
    address: Server,
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<NtfTestFailure | undefined> {
    return abortable(signal, () => testNtfServer(this.#context, address, signal))
  }

  /** How far the notifications of a connection are, for those who look for what is wrong. */
  subscription(connectionId: ConnectionId): SubscriptionRecord | undefined {
    return this.#core.rows.get(connectionId)
  }
}
