import type { BoxKey, CryptoBackend } from "@sluice/crypto/backend"
import { intersect, type VersionRange } from "@sluice/encoding/version"
import type { Clock } from "@sluice/ops/clock"
import { SmpClientError } from "@sluice/smp-client/client-error"
import type { PfwdCommand } from "@sluice/smp-protocol/commands/proxy"
import type { SmpError } from "@sluice/smp-protocol/errors"
import type { BrokerMessage } from "@sluice/smp-protocol/messages"
import type { PkeyMessage } from "@sluice/smp-protocol/messages/proxy"
import { openResponse, sealRequest } from "@sluice/smp-protocol/proxy-envelope"
import { type CorrId, ID_LENGTH } from "@sluice/smp-protocol/types"
import { VERSION } from "@sluice/smp-protocol/versions"
import type { RelayConnection } from "./connect-relay.ts"
import {
  failureOf,
  NO_KEY,
  OLD_VERSION,
  relayError,
  TIMED_OUT,
  unexpectedAnswer,
  unreadableAnswer,
} from "./proxy-error.ts"
import { SilenceMonitor, type SilenceRules } from "./silence-monitor.ts"

/** What became of a forwarded command: an answer for the client, and whether it counts as forwarded (proxy.md §9). */
export type Forwarded =
  | { readonly ok: true; readonly message: BrokerMessage }
  | { readonly ok: false; readonly error: SmpError }

/** What a connection must offer to be used, taken from its handshake. */
export interface RelayTerms {
  /** Answer to `PRXY`: the same for all clients for as long as the connection lives. */
  readonly pkey: PkeyMessage
  /** Key of layer 2. */
  readonly key: BoxKey
}

/** What {@link relayTerms} needs of a session. */
export type OfferedSession = Pick<
  RelayConnection["session"],
  "version" | "range" | "sessionId" | "sessionSecret" | "certifiedServerKey"
>

/**
 * Whether commands can be forwarded over a connection, and on which terms (proxy.md §4). `announced` caps the versions
 * that clients are offered. What cannot be used is an error: `BROKER TRANSPORT` VERSION or NO_AUTH.
 */
export function relayTerms(c: CryptoBackend, session: OfferedSession, announced: VersionRange): RelayTerms | SmpError {
  const { version, range, sessionId, sessionSecret, certifiedServerKey } = session
  const versions = intersect(range, announced)
  if (version < VERSION.PROXY || versions === undefined) return OLD_VERSION
  if (sessionSecret === undefined || certifiedServerKey === undefined) return NO_KEY
  const pkey: PkeyMessage = {
    tag: "PKEY",
    sessionId,
    versions,
    // Copies, since the connection outlives the block of the hello by far.
    certificates: certifiedServerKey.chain.map((der) => der.slice()),
    signedKey: certifiedServerKey.signedKey.slice(),
  }
  return { pkey, key: c.boxKey(sessionSecret) }
}

/** What a destination works with. */
export interface DestinationParts {
  readonly crypto: CryptoBackend
  readonly clock: Clock
  readonly connection: RelayConnection
  readonly terms: RelayTerms
  /** The operator counts it as an own server. */
  readonly own: boolean
}

/** Limits of a destination. */
export interface DestinationSettings {
  /** Time for the answer to a request, ms. */
  readonly responseTimeout: number
  /** Requests that may be without an answer; more are refused. */
  readonly maxInFlight: number
  readonly silence: SilenceRules
}

/** A relay that the proxy is connected to, on behalf of all clients that send there. */
export class Destination {
  readonly own: boolean
  readonly pkey: PkeyMessage
  readonly #crypto: CryptoBackend
  readonly #clock: Clock
  readonly #connection: RelayConnection
  readonly #key: BoxKey
  readonly #settings: DestinationSettings
  readonly #monitor: SilenceMonitor
  #inFlight = 0
  #lastUsed: number

  constructor(parts: DestinationParts, settings: DestinationSettings) {
    const { connection, terms } = parts
    this.own = parts.own
    this.pkey = terms.pkey
    this.#crypto = parts.crypto
    this.#clock = parts.clock
    this.#connection = connection
    this.#key = terms.key
    this.#settings = settings
    this.#lastUsed = parts.clock.monotonic()
    this.#monitor = new SilenceMonitor(settings.silence, parts.clock, () => this.close())
    connection.events.onAny((event) => (event.type === "closed" ? this.#monitor.stop() : this.#monitor.received()))
  }

  /** Requests without an answer. */
  get inFlight(): number {
    return this.#inFlight
  }

  /** When it was last asked for, on the monotonic clock. */
  get lastUsed(): number {
    return this.#lastUsed
  }

  get open(): boolean {
    return this.#connection.open
  }

  /** A client asked for the session. */
  touch(): void {
    this.#lastUsed = this.#clock.monotonic()
  }

  /** Calls `run` once when the connection is gone. */
  onClosed(run: () => void): void {
    this.#connection.events.on("closed", run)
  }

  /**
   * Passes a `PFWD` on as `RFWD`, before it returns, so that commands leave in the order in which this is called. Never
   * rejects.
   */
  async forward(corrId: CorrId, command: PfwdCommand): Promise<Forwarded> {
    // Requests that timed out may still wait in the socket of a relay that does not read; they take room until it does.
    if (this.#inFlight + this.#monitor.timeouts >= this.#settings.maxInFlight) return failed(TIMED_OUT)
    this.touch()
    this.#inFlight++
    const hopCorrId = this.#crypto.randomBytes(ID_LENGTH)
    try {
      return this.#opened(hopCorrId, await this.#request(hopCorrId, corrId, command))
    } catch (error) {
      this.#noteFailure(error)
      return failed(failureOf(error))
    } finally {
      this.#inFlight--
    }
  }

  /** Ends the connection. */
  close(): Promise<void> {
    this.#monitor.stop()
    return this.#connection.open ? this.#connection.close() : Promise.resolve()
  }

  async #request(
    hopCorrId: CorrId,
    corrId: CorrId,
    { version, key, request: box }: PfwdCommand,
  ): Promise<BrokerMessage> {
    const request = sealRequest(this.#crypto, this.#key, hopCorrId, { corrId, version, key, box })
    const { responseTimeout: timeoutMs } = this.#settings
    const [answer] = this.#connection.send([{ command: { tag: "RFWD", request }, corrId: hopCorrId }], { timeoutMs })
    if (answer === undefined) throw new TypeError("a connection answered fewer promises than it was given requests")
    const message = await answer
    this.#monitor.received()
    return message
  }

  #noteFailure(error: unknown): void {
    const code = error instanceof SmpClientError ? error.problem.code : undefined
    if (code === "TIMEOUT") this.#monitor.timedOut()
    else if (code === "UNEXPECTED" || code === "UNPARSABLE") this.#monitor.received()
  }

  #opened(hopCorrId: CorrId, answer: BrokerMessage): Forwarded {
    switch (answer.tag) {
      case "RRES": {
        const response = openResponse(this.#crypto, this.#key, hopCorrId, answer.response)
        if (response === "CRYPTO") return failed({ type: "CRYPTO" })
        if (response === "SYNTAX") return failed(unreadableAnswer("BLOCK"))
        return { ok: true, message: { tag: "PRES", response: response.box } }
      }
      case "ERR":
        // The relay was reached and spoke; for the statistics that is a success.
        return { ok: true, message: { tag: "ERR", error: relayError(answer.error) } }
      default:
        return failed(unexpectedAnswer(answer.tag))
    }
  }
}

function failed(error: SmpError): Forwarded {
  return { ok: false, error }
}
