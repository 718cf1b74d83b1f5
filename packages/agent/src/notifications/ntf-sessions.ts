import type { Server } from "@sluice/encoding/server-address"
import { NtfClient } from "@sluice/ntf-client/client"
import { SmpClientError } from "@sluice/smp-client/client-error"
import { clientClock } from "@sluice/smp-client/clock"
import { TIMEOUTS } from "@sluice/smp-client/reach"
import type { CallOptions } from "@sluice/smp-client/request"
import type { OwnConnectionParts } from "../core/own-connection.ts"
import { dialFor, reachable } from "../network/hosts.ts"
import { NOBODY, serverKey, socksIdentity } from "../network/session-key.ts"
import { ntfError } from "./ntf-error.ts"

/** Somebody waits: the time to connect and the time to answer, ms. */
const INTERACTIVE = TIMEOUTS.interactive.connectMs + TIMEOUTS.interactive.commandMs

/** How sessions with notification servers differ from the usual ones. */
export interface NtfSessionOptions {
  /** Versions to offer; default all. */
  readonly range?: { readonly min: number; readonly max: number } | undefined
}

/** One connection to each notification server, made when it is needed. */
export class NtfSessions {
  readonly #parts: OwnConnectionParts
  readonly #options: NtfSessionOptions
  readonly #clients = new Map<string, NtfClient>()

  constructor(parts: OwnConnectionParts, options: NtfSessionOptions = {}) {
    this.#parts = parts
    this.#options = options
  }

  /** Something that nobody waits for. Rejects with `AgentError`. */
  async background<T>(server: Server, command: (client: NtfClient, call: CallOptions) => Promise<T>): Promise<T> {
    try {
      return await command(this.#client(server), {})
    } catch (error) {
      throw ntfError(error, server)
    }
  }

  /** Something that a caller waits for, who gives up sooner. Rejects with `AgentError`. */
  async interactive<T>(server: Server, command: (client: NtfClient, call: CallOptions) => Promise<T>): Promise<T> {
    const abort = new AbortController()
    const late = (): void => abort.abort(new SmpClientError({ code: "TIMEOUT", command: "NTF" }))
    const timer = this.#parts.clock.setTimeout(late, INTERACTIVE)
    try {
      return await command(this.#client(server), { signal: abort.signal })
    } catch (error) {
      throw ntfError(error, server)
    } finally {
      timer.cancel()
    }
  }

  /** Closes all connections; later commands make new ones. */
  async disconnect(): Promise<void> {
    const clients = [...this.#clients.values()]
    this.#clients.clear()
    await Promise.all(clients.map((client) => client.close()))
  }

  /** A client of its own, for one that is not kept. */
  open(server: Server): NtfClient {
    const { crypto, clock, pool, dial } = this.#parts
    const { settings } = pool
    const identity = socksIdentity("server", NOBODY, server, 0)
    return new NtfClient(reachable(server, settings), {
      ...{ crypto, clock: clientClock(clock), dial: dialFor(crypto, settings.socks, identity, dial) },
      ...this.#options,
    })
  }

  #client(server: Server): NtfClient {
    const key = serverKey(server)
    const known = this.#clients.get(key)
    if (known !== undefined) return known
    const client = this.open(server)
    this.#clients.set(key, client)
    return client
  }
}
