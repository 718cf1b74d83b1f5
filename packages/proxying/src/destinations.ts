import type { CryptoBackend } from "@sluice/crypto/backend"
import { idKey } from "@sluice/encoding/bytes"
import { type Server, writeServer } from "@sluice/encoding/server-address"
import type { VersionRange } from "@sluice/encoding/version"
import { encodeWith } from "@sluice/encoding/writer"
import type { Clock } from "@sluice/ops/clock"
import { Lru } from "@sluice/ops/lru"
import { SmpClientError } from "@sluice/smp-client/client-error"
import type { Dial } from "@sluice/smp-client/dial"
import type { SmpError } from "@sluice/smp-protocol/errors"
import type { SessionId } from "@sluice/smp-protocol/types"
import type { ConnectRelay } from "./connect-relay.ts"
import { Destination, type DestinationSettings, relayTerms } from "./destination.ts"
import { chooseHost, destinationPort, type HostRules } from "./destination-host.ts"
import { isOwnServer } from "./own-server.ts"
import { failureOf, NO_HOST, networkError, TIMED_OUT } from "./proxy-error.ts"
import { SharedAttempt } from "./shared-attempt.ts"

/** Limits of all destinations together. Durations in ms. */
export interface DestinationsSettings extends DestinationSettings {
  /** How long a failed attempt is the answer to everybody who asks for the same relay. */
  readonly rememberFailure: number
  /** Connections to relays, made and being made. */
  readonly maxDestinations: number
  /** Of these, connections being made. */
  readonly maxConnecting: number
  readonly hosts: Omit<HostRules, "socks">
  /** Versions that clients are offered at most. */
  readonly announced: VersionRange
  readonly ownDomains: readonly string[]
}

export interface DestinationsParts {
  readonly crypto: CryptoBackend
  readonly clock: Clock
  readonly connect: ConnectRelay
  /** For hosts that are reached directly; judges addresses. */
  readonly direct: Dial
  /** For those that are reached through the SOCKS proxy, if there is one. */
  readonly socks?: Dial | undefined
}

/** A destination, or why there is none. */
export type Opened =
  | { readonly ok: true; readonly destination: Destination }
  | { readonly ok: false; readonly error: SmpError }

/** Failed attempts that are remembered; with more, the one that was asked for least recently is forgotten. */
const REMEMBERED = 10_000

/** A connection that nobody used for this long, ms, makes room for another one when there are too many. */
const REPLACEABLE_AFTER = 60_000

/** How long a relay that was connected, and has not hung since, has the places that are kept for such relays, ms. */
const ANSWERED_FOR = 3_600_000
/** The part of the places for attempts that are kept for them. */
const KEPT_PART = 1 / 4

const KEY_HASH_LENGTH = 32

/**
 * The relays that the proxy is connected to: one connection for each, whoever asks, made when it is first asked for. What
 * identifies a relay is all of its address: hosts, port and key hash (proxy.md §4, §8).
 */
export class Destinations {
  readonly #parts: DestinationsParts
  readonly #settings: DestinationsSettings
  readonly #live = new Map<string, Destination>()
  readonly #sessions = new Map<string, Destination>()
  readonly #attempts = new Map<string, SharedAttempt<Opened>>()
  readonly #failures = new Lru<string, { readonly error: SmpError; readonly until: number }>(REMEMBERED)
  /** Relays that were connected and are not any more: until when they are known for it. */
  readonly #answered = new Lru<string, number>(REMEMBERED)
  #stopped = false

  constructor(parts: DestinationsParts, settings: DestinationsSettings) {
    this.#parts = parts
    this.#settings = settings
  }

  /** Connections that are made. */
  get size(): number {
    return this.#live.size
  }

  /** Connections that are being made. */
  get connecting(): number {
    return this.#attempts.size
  }

  /** Whether the operator counts this relay as an own server. */
  isOwn({ hosts }: Server): boolean {
    return isOwnServer(hosts, this.#settings.ownDomains)
  }

  /** The destination with this session, `undefined` if there is none any more. */
  bySession(sessionId: SessionId): Destination | undefined {
    const destination = this.#sessions.get(idKey(sessionId))
    return destination?.open === true ? destination : undefined
  }

  /** The destination if it can be told at once: connected, or failed lately, or not allowed. */
  known(server: Server): Opened | undefined {
    const key = this.#key(server)
    const live = this.#live.get(key)
    if (live?.open === true) {
      live.touch()
      return { ok: true, destination: live }
    }
    const failure = this.#failures.get(key)
    if (failure === undefined) return undefined
    if (this.#parts.clock.monotonic() < failure.until) return { ok: false, error: failure.error }
    this.#failures.delete(key)
    return undefined
  }

  /**
   * Connects, or joins an attempt that is under way. `undefined` for a caller whose signal was aborted; an attempt that
   * nobody waits for is given up. Never rejects.
   */
  async open(server: Server, signal: AbortSignal): Promise<Opened | undefined> {
    const known = this.known(server)
    if (known !== undefined) return known
    const key = this.#key(server)
    const attempt = this.#attempts.get(key) ?? this.#begin(key, server)
    return attempt instanceof SharedAttempt ? attempt.join(signal) : attempt
  }

  /** Closes all connections and gives up all attempts, for good. */
  async stop(): Promise<void> {
    this.#stopped = true
    for (const attempt of [...this.#attempts.values()]) attempt.giveUp()
    await Promise.all(Array.from(this.#live.values(), (destination) => destination.close()))
  }

  /** 32 bytes whatever the length of the address, which is up to the client. */
  #key(server: Server): string {
    return idKey(this.#parts.crypto.sha256(encodeWith((w) => writeServer(w, server))))
  }

  #begin(key: string, server: Server): SharedAttempt<Opened> | Opened {
    const { hosts } = this.#settings
    const { direct, socks } = this.#parts
    const chosen = chooseHost(server.hosts, { ...hosts, socks: socks !== undefined })
    if (chosen === undefined) return refused(NO_HOST)
    const dial = chosen.via === "direct" ? direct : socks
    const port = destinationPort(server.port)
    // Neither can ever succeed, so nobody's machine is bothered with it.
    if (dial === undefined || port === undefined) return refused(networkError({ type: "FAILED" }))
    if (server.keyHash.length !== KEY_HASH_LENGTH) return refused(networkError({ type: "UNKNOWNCA" }))
    if (this.#stopped || !this.#mayConnect(key) || !this.#hasRoom()) return refused(TIMED_OUT)

    const target: Server = { hosts: [chosen.host], port: String(port), keyHash: server.keyHash.slice() }
    const own = this.isOwn(server)
    const attempt = new SharedAttempt<Opened>(
      (signal) => this.#connect(key, target, { dial, own, signal }),
      () => {
        if (this.#attempts.get(key) === attempt) this.#attempts.delete(key)
      },
    )
    this.#attempts.set(key, attempt)
    return attempt
  }

  async #connect(
    key: string,
    target: Server,
    { dial, own, signal }: { readonly dial: Dial; readonly own: boolean; readonly signal: AbortSignal },
  ): Promise<Opened> {
    const { crypto, clock, connect } = this.#parts
    try {
      const connection = await connect(target, dial, signal)
      const terms = relayTerms(crypto, connection.session, this.#settings.announced)
      if (signal.aborted || "type" in terms) {
        void connection.close()
        return "type" in terms ? this.#failed(key, signal, terms) : refused(TIMED_OUT)
      }
      this.#attempts.delete(key)
      const destination = new Destination({ crypto, clock, connection, terms, own }, this.#settings)
      this.#add(key, destination)
      return { ok: true, destination }
    } catch (error) {
      if (hung(error)) this.#answered.delete(key)
      return this.#failed(key, signal, failureOf(error))
    }
  }

  #add(key: string, destination: Destination): void {
    const session = idKey(destination.pkey.sessionId)
    this.#live.set(key, destination)
    this.#sessions.set(session, destination)
    destination.onClosed(() => {
      this.#answered.set(key, this.#parts.clock.monotonic() + ANSWERED_FOR)
      if (this.#live.get(key) === destination) this.#live.delete(key)
      if (this.#sessions.get(session) === destination) this.#sessions.delete(session)
    })
  }

  /** A failure is remembered unless the attempt was given up: that says nothing about the relay. */
  #failed(key: string, signal: AbortSignal, error: SmpError): Opened {
    if (signal.aborted) return refused(TIMED_OUT)
    this.#attempts.delete(key)
    const { rememberFailure } = this.#settings
    if (rememberFailure > 0) this.#failures.set(key, { error, until: this.#parts.clock.monotonic() + rememberFailure })
    return refused(error)
  }

  /**
   * Clients name the relays, so they can have any number of attempts take their whole time. Some places are kept for
   * relays that answered lately, so that these are reached all the same.
   */
  #mayConnect(key: string): boolean {
    const { maxConnecting } = this.#settings
    const answered = (this.#answered.peek(key) ?? 0) > this.#parts.clock.monotonic()
    const places = answered ? maxConnecting : maxConnecting - Math.floor(maxConnecting * KEPT_PART)
    return this.#attempts.size < places
  }

  #hasRoom(): boolean {
    if (this.#live.size + this.#attempts.size < this.#settings.maxDestinations) return true
    const replaceable = this.#longestUnused()
    if (replaceable === undefined) return false
    const [key, destination] = replaceable
    this.#live.delete(key)
    void destination.close()
    return true
  }

  #longestUnused(): readonly [string, Destination] | undefined {
    const before = this.#parts.clock.monotonic() - REPLACEABLE_AFTER
    let found: readonly [string, Destination] | undefined
    for (const entry of this.#live) {
      const [, { inFlight, lastUsed }] = entry
      if (inFlight === 0 && lastUsed < (found?.[1].lastUsed ?? before)) found = entry
    }
    return found
  }
}

/** Whether a relay took all the time of an attempt. */
function hung(error: unknown): boolean {
  return error instanceof SmpClientError && error.problem.code === "CONNECT" && error.problem.stage === "TIMEOUT"
}

function refused(error: SmpError): Opened {
  return { ok: false, error }
}
