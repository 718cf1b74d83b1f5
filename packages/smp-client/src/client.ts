import type { CryptoBackend } from "@sluice/crypto/backend"
import type { X25519Key } from "@sluice/crypto/keys"
import { nativeCrypto } from "@sluice/crypto/native"
import type { Server, ServerAddress } from "@sluice/encoding/server-address"
import type { BrokerMessage } from "@sluice/smp-protocol/messages"
import type { EntityId } from "@sluice/smp-protocol/types"
import type { ClientSession } from "@sluice/transport/session"
import { Backoff, type BackoffOptions } from "./backoff.ts"
import { SmpClientError } from "./client-error.ts"
import { type CancelTimer, type Clock, systemClock } from "./clock.ts"
import { type ConnectOptions, connect } from "./connect.ts"
import type { SmpConnection } from "./connection.ts"
import { EventHub } from "./event-hub.ts"
import { type ConnectionEvent, closeReason } from "./events.ts"
import { openRelay, type ProxiedRelay, type RelayOptions } from "./proxied-relay.ts"
import { TIMEOUTS } from "./reach.ts"
import type { CallOptions, Request } from "./request.ts"
import { type Resubscribed, resubscribe } from "./resubscribe.ts"
import { SmpCommands } from "./smp-commands.ts"
import { type SubscriptionKind, SubscriptionRegistry } from "./subscription-registry.ts"
import { WaitingRoom } from "./waiting-room.ts"

/** How a client connects, and connects again. */
export interface ClientOptions extends Omit<ConnectOptions, "signal"> {
  readonly backoff?: BackoffOptions | undefined
  /** Numbers from 0 up to but not including 1, for the jitter of the back-off; default `Math.random`. */
  readonly random?: (() => number) | undefined
  /** Commands that may wait for a connection; further ones fail as BUSY. Default 16384. */
  readonly maxWaiting?: number | undefined
  /**
   * For callers that try again by themselves: commands that wait for a connection fail with its first failed attempt, and
   * a command that comes while the client pauses starts the next attempt at once. Default false.
   */
  readonly failFast?: boolean | undefined
}

/** Events of a client: those of its connections, and what becomes of the connections. */
export type ClientEvent =
  | Exclude<ConnectionEvent, { readonly type: "closed" }>
  /** There is a connection; once for each. Subscriptions are made again right after this. */
  | { readonly type: "up"; readonly session: ClientSession }
  /** The connection was lost, or the first attempt failed. Once until the next `up`, however many attempts fail. */
  | { readonly type: "down"; readonly error: SmpClientError }
  /** All subscriptions of before were made again, but for `failed` of them. */
  | ({ readonly type: "resubscribed" } & Resubscribed)
  /**
   * A subscription could not be made again. It is forgotten if the server refused it, and tried again with the next
   * connection if `error.retryable`. `entityId` is absent for the subscription of a whole service.
   */
  | {
      readonly type: "subscription-failed"
      readonly kind: SubscriptionKind | "service"
      readonly entityId: EntityId | undefined
      readonly error: SmpClientError
    }
  /** The last event: `close` was called. */
  | { readonly type: "closed"; readonly error: SmpClientError }

type State =
  | { readonly name: "idle" }
  | { readonly name: "connecting"; readonly abort: AbortController }
  | { readonly name: "up"; readonly connection: SmpConnection; readonly since: number }
  | { readonly name: "waiting"; readonly cancel: CancelTimer }
  | { readonly name: "closed" }

const IDLE: State = { name: "idle" }

/**
 * A client that keeps itself connected to one server. It connects when the first command needs it; when the connection is
 * lost it comes back after a growing, random time and subscribes again to all that was subscribed. Without subscriptions
 * and without commands it stays away until it is needed.
 *
 * Commands wait for the connection, as long as they would wait for an answer. Commands that were sent when the connection
 * was lost fail as LOST and are not repeated: only their caller knows whether that is harmless.
 */
export class SmpClient extends SmpCommands implements AsyncDisposable {
  readonly crypto: CryptoBackend
  readonly clock: Clock
  readonly password: string | undefined
  readonly server: Server | ServerAddress
  readonly events: EventHub<ClientEvent> = new EventHub<ClientEvent>("closed", closeReason)
  readonly #options: ClientOptions
  readonly #backoff: Backoff
  readonly #subscriptions = new SubscriptionRegistry()
  readonly #waiting: WaitingRoom
  #state: State = IDLE
  #announced: "up" | "down" | undefined
  #lastError = new SmpClientError({ code: "CONNECT", stage: "TIMEOUT" })

  constructor(server: Server | ServerAddress, options: ClientOptions = {}) {
    super()
    this.server = server
    this.password = "password" in server ? server.password : undefined
    this.crypto = options.crypto ?? nativeCrypto
    this.clock = options.clock ?? systemClock
    this.#options = options
    this.#backoff = new Backoff(options.backoff ?? {}, options.random ?? Math.random)
    const timeoutMs = options.commandTimeoutMs ?? TIMEOUTS[options.patience ?? "background"].commandMs
    this.#waiting = new WaitingRoom(this.clock, options.maxWaiting ?? 16_384, timeoutMs)
  }

  /** Whether there is a connection now. */
  get up(): boolean {
    return this.#state.name === "up"
  }

  /** The session of the present connection. */
  get session(): ClientSession | undefined {
    return this.#state.name === "up" ? this.#state.connection.session : undefined
  }

  /** Subscriptions that are kept up, and commands that wait for a connection. */
  get load(): { readonly subscriptions: number; readonly waiting: number } {
    return { subscriptions: this.#subscriptions.size, waiting: this.#waiting.size }
  }

  override serverKey(): Promise<X25519Key | undefined> {
    return Promise.resolve(this.session?.serverKey)
  }

  override send(requests: readonly Request[], call: CallOptions = {}): Promise<BrokerMessage>[] {
    const state = this.#state
    switch (state.name) {
      case "closed": {
        const closed = new SmpClientError({ code: "CLOSED" })
        return requests.map(() => Promise.reject(closed))
      }
      case "up":
        if (state.connection.open) return this.#sendOn(state.connection, requests, call)
        // Lost in this very turn: its last event is still on its way and will start the next attempt.
        return this.#wait(requests, call)
      default: {
        const answers = this.#wait(requests, call)
        if (state.name === "waiting" && this.#options.failFast === true) {
          state.cancel()
          this.#connect()
        } else if (state.name === "idle") this.#connect()
        return answers
      }
    }
  }

  /** `PRXY`: uses this server as a proxy to a relay (v8). The relay goes on working after a reconnection. */
  openRelay(server: Server, options?: RelayOptions, call?: CallOptions): Promise<ProxiedRelay> {
    return openRelay(this, server, options, call)
  }

  /** Closes for good. Commands without an answer fail as CLOSED. */
  async close(): Promise<void> {
    const state = this.#state
    if (state.name === "closed") return
    this.#state = { name: "closed" }
    const error = new SmpClientError({ code: "CLOSED" })
    this.#waiting.turnAway(error)
    if (state.name === "connecting") state.abort.abort(error)
    if (state.name === "waiting") state.cancel()
    if (state.name === "up") await state.connection.close()
    this.events.emit({ type: "closed", error })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #sendOn(connection: SmpConnection, requests: readonly Request[], call: CallOptions): Promise<BrokerMessage>[] {
    return connection.send(requests, call).map((answer, index) => {
      const request = requests[index] as Request
      return answer.then((message) => {
        this.#subscriptions.answered(request, message)
        return message
      })
    })
  }

  #wait(requests: readonly Request[], call: CallOptions): Promise<BrokerMessage>[] {
    return requests.map((request) => this.#waiting.enter(request, call, () => this.#lastError))
  }

  #connect(): void {
    const abort = new AbortController()
    this.#state = { name: "connecting", abort }
    connect(this.server, { ...this.#options, signal: abort.signal }).then(
      (connection) => this.#connected(connection),
      (error: unknown) => this.#failed(error),
    )
  }

  #connected(connection: SmpConnection): void {
    if (this.#state.name === "closed") {
      void connection.close()
      return
    }
    this.#state = { name: "up", connection, since: this.clock.now() }
    connection.events.onAny((event) => this.#onEvent(event))
    this.#announce({ type: "up", session: connection.session })
    if (this.#subscriptions.size > 0) void this.#resubscribe(connection)
    this.#waiting.release((request, call) => this.#sendOne(connection, request, call))
  }

  async #resubscribe(connection: SmpConnection): Promise<void> {
    const result = await resubscribe(connection, this.#subscriptions, (error, of) => {
      const kind = of?.kind ?? "service"
      this.events.emit({ type: "subscription-failed", kind, entityId: of?.entityId, error })
    })
    if (connection.open) this.events.emit({ type: "resubscribed", ...result })
  }

  #sendOne(connection: SmpConnection, request: Request, call: CallOptions): Promise<BrokerMessage> {
    const [answer] = this.#sendOn(connection, [request], call)
    return answer as Promise<BrokerMessage>
  }

  #onEvent(event: ConnectionEvent): void {
    if (event.type === "closed") {
      this.#lost(event.error)
      return
    }
    this.#subscriptions.happened(event)
    this.events.emit(event)
  }

  #lost(error: SmpClientError): void {
    const state = this.#state
    if (state.name !== "up") return
    if (this.clock.now() - state.since >= this.#backoff.stableMs) this.#backoff.reset()
    this.#retryLater(error)
  }

  #failed(reason: unknown): void {
    if (this.#state.name === "closed") return
    const error =
      reason instanceof SmpClientError
        ? reason
        : new SmpClientError({ code: "CONNECT", stage: "DIAL" }, { cause: reason })
    // No later attempt helps the commands that wait if the server is not the right one, or too old or new.
    if (!error.network || this.#options.failFast === true) this.#waiting.turnAway(error)
    this.#retryLater(error)
  }

  #retryLater(error: SmpClientError): void {
    this.#lastError = error
    const cancel = this.clock.after(this.#backoff.next(), () => {
      // The wait also holds back commands that come meanwhile; without them and without subscriptions there is no hurry.
      if (this.#subscriptions.size > 0 || this.#waiting.size > 0) this.#connect()
      else this.#state = IDLE
    })
    this.#state = { name: "waiting", cancel }
    this.#announce({ type: "down", error })
  }

  #announce(event: Extract<ClientEvent, { readonly type: "up" | "down" }>): void {
    if (this.#announced === event.type) return
    this.#announced = event.type
    this.events.emit(event)
  }
}
