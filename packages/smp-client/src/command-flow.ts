import { equalBytes, idKey } from "@sluice/encoding/bytes"
import type { BrokerMessage } from "@sluice/smp-protocol/messages"
import type { CorrId, EntityId } from "@sluice/smp-protocol/types"
import { SmpClientError } from "./client-error.ts"
import type { CancelTimer, Clock } from "./clock.ts"
import type { CallOptions } from "./request.ts"

/** Default time for an answer, ms: what a program waits that has time (transport.md §2.6). */
export const COMMAND_TIMEOUT_MS = 30_000

/** Limits and time-outs of the commands of one connection. */
export interface FlowOptions {
  /** Commands that may wait for their answers at the server; further ones wait here. Default 2048. */
  readonly maxInFlight?: number | undefined
  /** Commands that may wait here; further ones fail as BUSY. Default 65536. */
  readonly maxQueued?: number | undefined
  /** Time for an answer, ms; default 30000. */
  readonly commandTimeoutMs?: number | undefined
  /** Added to that for each command that was sent before and is not answered yet, ms; default 20. */
  readonly perCommandMs?: number | undefined
  /** Commands that timed out or were aborted and whose answer would still be recognised; default 1024. */
  readonly maxLate?: number | undefined
}

/** A command that is on its way to the server. */
export interface Started {
  readonly corrId: CorrId
  readonly entityId: EntityId
  /** Keeps it from being sent if that is still possible; tells whether it was. */
  cancel(): boolean
}

/** What is known about the command that a response is for. */
export type Match<A = BrokerMessage> =
  /** Its caller waits: settle it with {@link PendingCommand.resolve} or `reject`. */
  | { readonly kind: "answer"; readonly command: PendingCommand<A> }
  /** The response names another entity. */
  | { readonly kind: "other-entity"; readonly command: PendingCommand<A> }
  /** Its caller has given up. */
  | { readonly kind: "late"; readonly command: PendingCommand<A> }
  | { readonly kind: "unknown" }

const UNKNOWN = { kind: "unknown" } as const

/** A command from the call to its answer, of type `A`. */
export class PendingCommand<A = BrokerMessage> {
  readonly tag: string
  readonly call: CallOptions
  readonly start: () => Started
  readonly resolve: (answer: A) => void
  readonly reject: (error: unknown) => void
  started: Started | undefined
  cancelTimer: CancelTimer | undefined
  onAbort: (() => void) | undefined

  constructor(
    tag: string,
    call: CallOptions,
    start: () => Started,
    resolve: (answer: A) => void,
    reject: (error: unknown) => void,
  ) {
    this.tag = tag
    this.call = call
    this.start = start
    this.resolve = resolve
    this.reject = reject
  }
}

/**
 * Keeps the commands of one connection: those that wait for room, those that wait for their answers with a time limit
 * each, and for a while those that nobody waits for any more. Finds the command of a response as transport.md §5.1 says.
 */
export class CommandFlow<A = BrokerMessage> {
  readonly #clock: Clock
  readonly #onTimeout: () => void
  readonly #maxInFlight: number
  readonly #maxQueued: number
  readonly #maxLate: number
  readonly #timeout: number
  readonly #perCommand: number
  readonly #inFlight = new Map<string, PendingCommand<A>>()
  readonly #late = new Map<string, PendingCommand<A>>()
  /** A set keeps the order in which commands came and lets aborted ones leave from the middle. */
  readonly #queue = new Set<PendingCommand<A>>()
  #end: SmpClientError | undefined

  /** `onTimeout` is called for each command that was not answered in time. */
  constructor(options: FlowOptions, clock: Clock, onTimeout: () => void) {
    this.#clock = clock
    this.#onTimeout = onTimeout
    this.#maxInFlight = options.maxInFlight ?? 2048
    this.#maxQueued = options.maxQueued ?? 65_536
    this.#maxLate = options.maxLate ?? 1024
    this.#timeout = options.commandTimeoutMs ?? COMMAND_TIMEOUT_MS
    this.#perCommand = options.perCommandMs ?? 20
  }

  /** Commands without an answer. */
  get inFlight(): number {
    return this.#inFlight.size
  }

  /** Commands that wait for room. */
  get queued(): number {
    return this.#queue.size
  }

  /** Takes a command; `start` is called once there is room, now or later, and what it throws rejects the command. */
  submit(tag: string, start: () => Started, call: CallOptions): Promise<A> {
    return new Promise((resolve, reject) => {
      if (this.#end !== undefined) return reject(this.#end)
      if (call.signal?.aborted) return reject(call.signal.reason)
      const command = new PendingCommand<A>(tag, call, start, resolve, reject)
      if (this.#inFlight.size < this.#maxInFlight && this.#queue.size === 0) return this.#start(command)
      if (this.#queue.size >= this.#maxQueued) return reject(new SmpClientError({ code: "BUSY", command: tag }))
      this.#queue.add(command)
      this.#watch(command)
    })
  }

  /** Finds the command of a response and takes it out; the caller settles it. */
  match(corrId: CorrId, entityId: EntityId): Match<A> {
    const key = idKey(corrId)
    const command = this.#inFlight.get(key)
    if (command === undefined) {
      const late = this.#late.get(key)
      if (late === undefined || !sameEntity(late, entityId)) return UNKNOWN
      this.#late.delete(key)
      return { kind: "late", command: late }
    }
    this.#inFlight.delete(key)
    this.#release(command)
    this.#fill()
    return { kind: sameEntity(command, entityId) ? "answer" : "other-entity", command }
  }

  /** Rejects everything, now and in future. */
  end(error: SmpClientError): void {
    if (this.#end !== undefined) return
    this.#end = error
    const commands = [...this.#inFlight.values(), ...this.#queue]
    this.#inFlight.clear()
    this.#queue.clear()
    this.#late.clear()
    for (const command of commands) {
      this.#release(command)
      command.reject(error)
    }
  }

  #start(command: PendingCommand<A>): void {
    let started: Started
    try {
      // Aborted together with the one that made room for it, and not told yet.
      command.call.signal?.throwIfAborted()
      started = command.start()
    } catch (error) {
      this.#release(command)
      command.reject(error)
      return
    }
    command.started = started
    const { timeoutMs = this.#timeout } = command.call
    command.cancelTimer = this.#clock.after(timeoutMs + this.#perCommand * this.#inFlight.size, () => {
      this.#giveUp(command, new SmpClientError({ code: "TIMEOUT", command: command.tag }))
      this.#onTimeout()
    })
    this.#inFlight.set(idKey(started.corrId), command)
    if (command.onAbort === undefined) this.#watch(command)
  }

  #watch(command: PendingCommand<A>): void {
    const { signal } = command.call
    if (signal === undefined) return
    command.onAbort = () => this.#giveUp(command, signal.reason)
    signal.addEventListener("abort", command.onAbort, { once: true })
  }

  /** The caller waits no longer. If the command is sent, its answer will still be recognised. */
  #giveUp(command: PendingCommand<A>, reason: unknown): void {
    this.#queue.delete(command)
    this.#release(command)
    const { started } = command
    if (started !== undefined) {
      const key = idKey(started.corrId)
      this.#inFlight.delete(key)
      if (!started.cancel()) this.#remember(key, command)
      this.#fill()
    }
    command.reject(reason)
  }

  #remember(key: string, command: PendingCommand<A>): void {
    this.#late.set(key, command)
    if (this.#late.size <= this.#maxLate) return
    for (const oldest of this.#late.keys()) {
      this.#late.delete(oldest)
      return
    }
  }

  #fill(): void {
    for (const command of this.#queue) {
      if (this.#inFlight.size >= this.#maxInFlight) return
      this.#queue.delete(command)
      this.#start(command)
    }
  }

  #release(command: PendingCommand<A>): void {
    command.cancelTimer?.()
    if (command.onAbort !== undefined) command.call.signal?.removeEventListener("abort", command.onAbort)
  }
}

function sameEntity(command: Pick<PendingCommand, "started">, entityId: EntityId): boolean {
  return command.started !== undefined && equalBytes(command.started.entityId, entityId)
}
