import type { CryptoBackend } from "@sluice/crypto/backend"
import { formatServerAddress } from "@sluice/encoding/server-address"
import type { Clock } from "@sluice/ops/clock"
import { SmpClientError } from "@sluice/smp-client/client-error"
import { connect } from "@sluice/smp-client/connect"
import type { SmpConnection } from "@sluice/smp-client/connection"
import type { LinkContent } from "@sluice/smp-client/queue-types"
import { encodeLinkAnswer } from "../link-answer.ts"
import type { AllowedRelay } from "./allow-list.ts"
import { ResolveError } from "./problem.ts"
import { Slots } from "./slots.ts"

/** How a relay is asked. */
export interface RelayLinkOptions {
  /** Milliseconds for one link, connecting included. */
  readonly fetchTimeout: number
  readonly maxFetches: number
  readonly maxWaitingFetches: number
}

/** Milliseconds after a failed attempt to connect in which no other one is made: readers are told at once. */
const HOLD_OFF = 1_000

/** The way to one relay: a connection while it is needed, and a bounded number of commands on it. */
export class RelayLink {
  readonly #relay: AllowedRelay
  readonly #options: RelayLinkOptions
  readonly #crypto: CryptoBackend
  readonly #clock: Clock
  readonly #slots: Slots
  readonly #name: string
  readonly #closed = new AbortController()
  #connection: Promise<SmpConnection> | undefined
  #failed: { readonly at: number; readonly error: unknown } | undefined

  constructor(relay: AllowedRelay, options: RelayLinkOptions, parts: { crypto: CryptoBackend; clock: Clock }) {
    this.#relay = relay
    this.#options = options
    this.#crypto = parts.crypto
    this.#clock = parts.clock
    this.#slots = new Slots(options.maxFetches, options.maxWaitingFetches)
    this.#name = formatServerAddress(relay.address)
  }

  /** Links that are being fetched, and that wait for it. */
  get load(): { readonly running: number; readonly waiting: number } {
    return { running: this.#slots.running, waiting: this.#slots.waiting }
  }

  /** An encoded `LinkAnswer`; `undefined` when the relay has nothing for this ID. Throws `ResolveError`. */
  async fetch(linkId: Uint8Array): Promise<Uint8Array | undefined> {
    const fetched = this.#slots.run(() => this.#fetch(linkId))
    if (fetched === undefined) throw new ResolveError("busy")
    return await fetched
  }

  /** Closes the connection; fetches under way fail. */
  async close(): Promise<void> {
    this.#closed.abort()
    // A connection that could not be made needs no closing.
    const connection = await this.#connection?.catch(() => undefined)
    await connection?.close()
  }

  async #fetch(linkId: Uint8Array): Promise<Uint8Array | undefined> {
    try {
      const { senderId, data } = await this.#getLink(linkId)
      return encodeLinkAnswer({ senderId, ...data, relay: this.#name })
    } catch (error) {
      if (this.#closed.signal.aborted) throw new ResolveError("relay-down", { cause: error })
      if (!(error instanceof SmpClientError)) throw error
      if (error.answer?.type === "AUTH") return undefined
      throw new ResolveError(problemOf(error), { cause: error })
    }
  }

  /** Reading changes nothing, so a connection that was lost meanwhile is one more reason to ask. */
  async #getLink(linkId: Uint8Array): Promise<LinkContent> {
    try {
      return await (await this.#connected()).getLink(linkId)
    } catch (error) {
      if (!(error instanceof SmpClientError && error.problem.code === "LOST")) throw error
      return await (await this.#connected()).getLink(linkId)
    }
  }

  /** The connection that there is, or a new one. All who need it at the same time share the attempt. */
  #connected(): Promise<SmpConnection> {
    if (this.#connection !== undefined) return this.#connection
    const connection = this.#connect()
    const forget = (): void => {
      if (this.#connection === connection) this.#connection = undefined
    }
    this.#connection = connection
    connection.then(({ events }) => events.on("closed", forget), forget)
    return connection
  }

  async #connect(): Promise<SmpConnection> {
    const { address, connectTo, dial } = this.#relay
    const { fetchTimeout } = this.#options
    const { signal } = this.#closed
    if (signal.aborted) throw new SmpClientError({ code: "CLOSED" })
    const failure = this.#recentFailure()
    if (failure !== undefined) throw failure
    try {
      return await connect(
        { ...address, ...connectTo?.() },
        { crypto: this.#crypto, signal, dial, connectTimeoutMs: fetchTimeout, commandTimeoutMs: fetchTimeout },
      )
    } catch (error) {
      this.#failed = { at: this.#clock.monotonic(), error }
      throw error
    }
  }

  /** Why the last attempt failed, if it is too early for another one. */
  #recentFailure(): unknown {
    const { at, error } = this.#failed ?? { at: Number.NEGATIVE_INFINITY, error: undefined }
    return this.#clock.monotonic() - at < HOLD_OFF ? error : undefined
  }
}

function problemOf(error: SmpClientError): "relay-down" | "relay-refused" | "busy" {
  const { code } = error.problem
  if (code === "BUSY") return "busy"
  const unreachable = error.network || code === "CONNECT" || code === "TRANSPORT" || code === "CLOSED"
  return unreachable ? "relay-down" : "relay-refused"
}
