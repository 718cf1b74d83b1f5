import type { CryptoBackend } from "@sluice/crypto/backend"
import { equalBytes } from "@sluice/encoding/bytes"
import type { Server, ServerAddress } from "@sluice/encoding/server-address"
import type { Clock } from "@sluice/ops/clock"
import { type ClientEvent, type ClientOptions, SmpClient } from "@sluice/smp-client/client"
import { clientClock } from "@sluice/smp-client/clock"
import type { Dial } from "@sluice/smp-client/dial"
import { AgentError } from "../errors.ts"
import { dialFor, reachable } from "./hosts.ts"
import { networkError, withoutPassword } from "./network-error.ts"
import { type SessionOwner, sessionKey, socksIdentity } from "./session-key.ts"
import type { NetworkSettings } from "./settings.ts"

/** A connection to a server that is kept up. */
export interface Session {
  readonly key: string
  /** For whom it was made; in all modes but `entity` others may use it, too. */
  readonly owner: SessionOwner
  readonly server: Server
  readonly client: SmpClient
}

/** What sessions are made with. */
export interface PoolOptions {
  readonly crypto: CryptoBackend
  readonly clock: Clock
  /** The user's own address of a server, which has its password. */
  readonly addressOf: (userId: number, server: Server) => ServerAddress | undefined
  /** Replaces TCP, for tests. */
  readonly dial?: Dial | undefined
  /** Of all clients; see `SmpClient`. */
  readonly client?: ClientOptions | undefined
  readonly onEvent: (session: Session, event: ClientEvent) => void
}

/** Waits between attempts to reconnect: 2 s at first, half as much again each time, up to 3 minutes (agent.md §14). */
const RECONNECT = { initialMs: 2000, factor: 1.5, maxMs: 180_000, jitter: 0.2 }

/**
 * All connections to relays, one for each user and server, or more by the session mode. They are made when first needed,
 * and go when the settings change.
 */
export class SessionPool {
  readonly #options: PoolOptions
  readonly #sessions = new Map<string, Session>()
  readonly #startedAt: number
  #settings: NetworkSettings
  #closed = false

  constructor(options: PoolOptions, settings: NetworkSettings) {
    this.#options = options
    this.#settings = settings
    this.#startedAt = options.clock.now()
  }

  get settings(): NetworkSettings {
    return this.#settings
  }

  /** The session for these commands. Throws `AgentError` INACTIVE or BROKER HOST. */
  session(owner: SessionOwner, server: Server): Session {
    if (this.#closed) throw new AgentError({ code: "INACTIVE" })
    // A peer may name fewer hosts of a server than its user knows.
    const address = this.#options.addressOf(owner.userId, server) ?? server
    const key = sessionKey(this.#settings.sessionMode, owner, address)
    const known = this.#sessions.get(key)
    if (known !== undefined) return known
    const session: Session = { key, owner, server: withoutPassword(address), client: this.#connect(owner, address) }
    this.#sessions.set(key, session)
    session.client.events.onAny((event) => {
      if (event.type !== "closed") this.#options.onEvent(session, event)
    })
    return session
  }

  /** What a server answers when it is asked itself, without a proxy. Rejects with `AgentError`. */
  async ask<T>(owner: SessionOwner, server: Server, command: (client: SmpClient) => Promise<T>): Promise<T> {
    try {
      return await command(this.session(owner, server).client)
    } catch (error) {
      throw networkError(error, { server })
    }
  }

  /** Whether the session is still the one for its key. */
  has(session: Session): boolean {
    return this.#sessions.get(session.key) === session
  }

  /** New settings: all sessions are closed, and made again when needed. */
  async configure(settings: NetworkSettings): Promise<void> {
    this.#settings = settings
    await this.disconnect()
  }

  /** Closes the sessions that only this connection has had. */
  async release({ userId, connectionId }: SessionOwner): Promise<void> {
    if (this.#settings.sessionMode !== "entity") return
    const own = [...this.#sessions.values()].filter(({ owner }) => {
      return owner.userId === userId && equalBytes(owner.connectionId, connectionId)
    })
    for (const { key } of own) this.#sessions.delete(key)
    await Promise.all(own.map(({ client }) => client.close()))
  }

  /** Closes all sessions; later commands make new ones. */
  async disconnect(): Promise<void> {
    const sessions = [...this.#sessions.values()]
    this.#sessions.clear()
    await Promise.all(sessions.map(({ client }) => client.close()))
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.disconnect()
  }

  #connect(owner: SessionOwner, server: Server): SmpClient {
    const { crypto, clock, dial, client } = this.#options
    const settings = this.#settings
    const address = reachable(server, settings)
    const identity = socksIdentity(settings.sessionMode, owner, server, this.#startedAt)
    return new SmpClient(address, {
      crypto,
      clock: clientClock(clock),
      dial: dialFor(crypto, settings.socks, identity, dial),
      backoff: RECONNECT,
      // Deliveries and subscriptions have schedules of their own.
      failFast: true,
      ...client,
    })
  }
}
