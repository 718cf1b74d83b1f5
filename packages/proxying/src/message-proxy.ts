import type { CryptoBackend } from "@sluice/crypto/backend"
import { utf8 } from "@sluice/encoding/bytes"
import type { Clock } from "@sluice/ops/clock"
import type { PfwdCommand, PrxyCommand } from "@sluice/smp-protocol/commands/proxy"
import type { SmpError } from "@sluice/smp-protocol/errors"
import type { BrokerMessage } from "@sluice/smp-protocol/messages"
import type { CorrId, EntityId } from "@sluice/smp-protocol/types"
import { CommandSlots } from "./command-slots.ts"
import type { Destination } from "./destination.ts"
import type { Destinations, Opened } from "./destinations.ts"
import { countFailure, countRequest, countSuccess, type ProxyMetrics } from "./metrics.ts"
import { BASIC_AUTH, messageFailureKind, NO_SESSION, sessionFailureKind, TIMED_OUT } from "./proxy-error.ts"

/** A command for the proxy, its credentials already checked: no authorization, a session only in `PFWD`. */
export interface ProxyRequest<C extends PrxyCommand | PfwdCommand = PrxyCommand | PfwdCommand> {
  readonly corrId: CorrId
  /** Of `PFWD`: the session of `PKEY`. */
  readonly entityId: EntityId
  readonly command: C
}

/** Who may use a proxy, and how much of it. */
export interface ProxyRules {
  /** Off: `PRXY` is answered with `PROXY BASIC_AUTH`, and there are no sessions. */
  readonly enabled: boolean
  /** Needed in `PRXY` if there is one; `PFWD` needs nothing but a session. */
  readonly password?: string | undefined
  /** Commands that one client may have in progress; its further ones wait. */
  readonly clientConcurrency: number
  /** Commands that may be in progress for all clients together; more are refused. */
  readonly concurrency: number
}

export interface MessageProxyParts {
  readonly crypto: CryptoBackend
  readonly clock: Clock
  readonly destinations: Destinations
  readonly metrics: ProxyMetrics
}

/**
 * The proxy's side of private routing: `PRXY` → `PKEY`, `PFWD` → `PRES` (proxy.md §4, §5). Clients are told apart by the
 * objects that stand for their connections.
 */
export class MessageProxy {
  readonly #parts: MessageProxyParts
  readonly #rules: ProxyRules
  readonly #password: Uint8Array | undefined
  readonly #clients = new WeakMap<object, ProxyClient>()
  #begun = 0
  #running = 0

  constructor(parts: MessageProxyParts, rules: ProxyRules) {
    this.#parts = parts
    this.#rules = rules
    this.#password = rules.password === undefined ? undefined : parts.crypto.sha256(utf8(rules.password))
    parts.metrics.levels = () => ({
      destinations: parts.destinations.size,
      connecting: parts.destinations.connecting,
      running: this.#running,
      waiting: this.#begun - this.#running,
    })
  }

  /**
   * Runs a command and gives its answer, whose entity is that of the command. Commands of one client that go to the same
   * relay leave in the order of the calls. Never rejects.
   */
  async run(client: object, request: ProxyRequest): Promise<BrokerMessage> {
    const { command } = request
    const refused = command.tag === "PRXY" ? this.#refusal(command) : undefined
    if (refused !== undefined) return errorMessage(refused)
    // A session that is there, or a relay that failed a moment ago, takes no place.
    const known = command.tag === "PRXY" ? this.#parts.destinations.known(command.server) : undefined
    if (known !== undefined && command.tag === "PRXY") return this.#sessionAnswer(command, known)

    const { slots, gone } = this.#client(client)
    this.#begun++
    try {
      const answer = await slots.run(() => this.#execute(request, gone.signal), gone.signal)
      // Of a client that has gone nobody hears the answer.
      return answer ?? errorMessage(TIMED_OUT)
    } finally {
      this.#begun--
    }
  }

  /** A client has disconnected: what it waits for is given up, and what it still asks for is not begun. */
  closed(client: object): void {
    this.#client(client).gone.abort()
  }

  /** Closes the connections to all relays, for good. */
  stop(): Promise<void> {
    return this.#parts.destinations.stop()
  }

  #client(client: object): ProxyClient {
    const known = this.#clients.get(client)
    if (known !== undefined) return known
    const added = { slots: new CommandSlots(this.#rules.clientConcurrency), gone: new AbortController() }
    this.#clients.set(client, added)
    return added
  }

  #refusal({ password }: PrxyCommand): SmpError | undefined {
    if (!this.#rules.enabled) return BASIC_AUTH
    if (this.#password === undefined) return undefined
    const { crypto } = this.#parts
    // Digests have one length, so the comparison tells nothing about the password's.
    const right = password !== undefined && crypto.timingSafeEqual(crypto.sha256(utf8(password)), this.#password)
    return right ? undefined : BASIC_AUTH
  }

  async #execute({ corrId, entityId, command }: ProxyRequest, gone: AbortSignal): Promise<BrokerMessage> {
    if (gone.aborted) return errorMessage(TIMED_OUT)
    if (this.#running >= this.#rules.concurrency) return this.#noRoom(command)
    this.#running++
    try {
      return command.tag === "PRXY"
        ? await this.#openSession(command, gone)
        : await this.#forward(corrId, this.#parts.destinations.bySession(entityId), command)
    } finally {
      this.#running--
    }
  }

  async #openSession(command: PrxyCommand, gone: AbortSignal): Promise<BrokerMessage> {
    const opened = await this.#parts.destinations.open(command.server, gone)
    return opened === undefined ? errorMessage(TIMED_OUT) : this.#sessionAnswer(command, opened)
  }

  #sessionAnswer({ server }: PrxyCommand, opened: Opened): BrokerMessage {
    const { destinations, metrics } = this.#parts
    const own = destinations.isOwn(server)
    countRequest(metrics.sessions, own)
    if (opened.ok) {
      countSuccess(metrics.sessions, own)
      return opened.destination.pkey
    }
    countFailure(metrics.sessions, own, sessionFailureKind(opened.error))
    return errorMessage(opened.error)
  }

  async #forward(corrId: CorrId, to: Destination | undefined, command: PfwdCommand): Promise<BrokerMessage> {
    const counters = this.#parts.metrics.messages
    const own = to?.own === true
    countRequest(counters, own)
    const forwarded = to === undefined ? undefined : await to.forward(corrId, command)
    if (forwarded?.ok === true) {
      countSuccess(counters, own)
      return forwarded.message
    }
    const error = forwarded?.error ?? NO_SESSION
    countFailure(counters, own, messageFailureKind(error))
    return errorMessage(error)
  }

  #noRoom(command: PrxyCommand | PfwdCommand): BrokerMessage {
    if (command.tag === "PRXY") return this.#sessionAnswer(command, { ok: false, error: TIMED_OUT })
    const counters = this.#parts.metrics.messages
    countRequest(counters, false)
    countFailure(counters, false, "other")
    return errorMessage(TIMED_OUT)
  }
}

/** What the proxy keeps for one client; made with the first command that takes a place. */
interface ProxyClient {
  readonly slots: CommandSlots
  readonly gone: AbortController
}

function errorMessage(error: SmpError): BrokerMessage {
  return { tag: "ERR", error }
}
