import type { Clock, Timer } from "@sluice/ops/clock"
import type { LineSink, Log } from "@sluice/ops/log"
import type { MetricsRegister } from "@sluice/ops/metrics"
import type { PlainCounter } from "@sluice/ops/plain-metrics"
import type { RelayFigures } from "@sluice/relay/relay"
import { type Ended, Member, type Ready } from "./member.ts"
import type { MemberSpec } from "./member-messages.ts"

/** What is supervised. */
export interface SupervisorOptions {
  /** Members, from 1 on. */
  readonly count: number
  /** What member `index` is started with; `port` is where all of them listen, once it is known. */
  readonly spec: (index: number, life: { readonly port: number | undefined; readonly first: boolean }) => MemberSpec
  /** Where their standard error goes, if not where ours does. */
  readonly sink?: LineSink | undefined
}

export interface SupervisorComponents {
  readonly clock: Clock
  readonly log: Log
  readonly register: MetricsRegister
}

/** First wait before a member is started again, and the longest that repeated deaths lead to, milliseconds. */
const SHORTEST_WAIT = 100
const LONGEST_WAIT = 10_000
/** A member that lived so long died for a new reason. */
const STABLE = 30_000

/** The place of one member: its present process, and what its former ones came to. */
interface Place {
  readonly index: number
  member: Member | undefined
  ready: Ready | undefined
  startedAt: number
  /** Deaths in a row. */
  deaths: number
  timer: Timer | undefined
  /** Its process was told to end, and another one follows. */
  restarting: boolean
}

/**
 * Keeps a number of processes alive that serve one address. One that dies is started again, after a wait that doubles with
 * each death in a row; one of them leads, and another does when it dies.
 */
export class Supervisor {
  readonly #options: SupervisorOptions
  readonly #components: SupervisorComponents
  readonly #places: readonly Place[]
  readonly #restarts: PlainCounter
  #port: number | undefined
  #leader: Member | undefined
  #restartingAll: Promise<void> | undefined
  #started = false
  #stopping = false

  constructor(options: SupervisorOptions, components: SupervisorComponents) {
    this.#options = options
    this.#components = components
    this.#places = Array.from({ length: options.count }, (_, index) => ({
      index,
      member: undefined,
      ready: undefined,
      startedAt: 0,
      deaths: 0,
      timer: undefined,
      restarting: false,
    }))
    const { register } = components
    this.#restarts = register.counter({
      name: "sluice_worker_restarts_total",
      help: "Relay processes that ended by themselves and were started again",
    })
    register.gaugeFrom({ name: "sluice_workers", help: "Relay processes that serve" }, () => this.serving.length)
  }

  /** What the serving members said when they began, by the number of the member. */
  get serving(): readonly (Ready & { readonly index: number })[] {
    return this.#places.flatMap(({ index, ready }) => (ready === undefined ? [] : [{ ...ready, index }]))
  }

  /** Process numbers of all members, for tests; `undefined` while one is not there. */
  get pids(): readonly (number | undefined)[] {
    return this.#places.map(({ member }) => member?.child.pid)
  }

  /** Sums of what the members said last; what is stored is the same for all. */
  get status(): RelayFigures {
    const all = this.#places.map(({ member }) => member?.status ?? { connections: 0, queues: 0, sent: 0 })
    return {
      connections: all.reduce((sum, { connections }) => sum + connections, 0),
      queues: Math.max(0, ...all.map(({ queues }) => queues)),
      sent: all.reduce((sum, { sent }) => sum + sent, 0),
    }
  }

  /** Starts the first member, which makes what is missing and finds the port, then the others. Gives what the first said. */
  async start(signal: AbortSignal): Promise<Ready> {
    const onAbort = (): void => this.#signal("SIGTERM")
    signal.addEventListener("abort", onAbort, { once: true })
    try {
      const [first, ...others] = this.#places
      if (first === undefined) throw new RangeError("a fleet has at least one member")
      const ready = await this.#begin(first)
      this.#port = ready.port
      await Promise.all(others.map((place) => this.#begin(place)))
      this.#started = true
      return ready
    } catch (error) {
      await this.stop(AbortSignal.abort())
      throw error
    } finally {
      signal.removeEventListener("abort", onAbort)
    }
  }

  /** Lets all finish what they began; kills those that are still there at the deadline. */
  async stop(deadline: AbortSignal): Promise<void> {
    this.#stopping = true
    for (const { timer } of this.#places) timer?.cancel()
    this.#signal("SIGTERM")
    const kill = (): void => this.#signal("SIGKILL")
    if (deadline.aborted) kill()
    else deadline.addEventListener("abort", kill, { once: true })
    await Promise.all(this.#places.map(({ member }) => member?.ended))
    deadline.removeEventListener("abort", kill)
  }

  /** Lets all take over new certificates and the log level. */
  reload(): void {
    this.#signal("SIGHUP")
  }

  /**
   * Restarts one after the other: each serves again before the next one ends. Rejects when one does not come back at once;
   * it is started again all the same. A call while that goes on joins it.
   */
  restartAll(): Promise<void> {
    this.#restartingAll ??= this.#restartAll().finally(() => {
      this.#restartingAll = undefined
    })
    return this.#restartingAll
  }

  async #restartAll(): Promise<void> {
    for (const place of this.#places) {
      const { member } = place
      place.timer?.cancel()
      place.restarting = true
      place.ready = undefined
      member?.signal("SIGTERM")
      await member?.ended
      place.restarting = false
      if (this.#stopping) return
      this.#passLead(member)
      await this.#begin(place)
    }
  }

  #signal(signal: NodeJS.Signals): void {
    for (const { member } of this.#places) member?.signal(signal)
  }

  /** Starts a process in a place and waits until it serves. */
  async #begin(place: Place): Promise<Ready> {
    const { clock } = this.#components
    const first = this.#port === undefined
    const member = new Member(this.#options.spec(place.index, { port: this.#port, first }), this.#options.sink)
    place.member = member
    place.startedAt = clock.monotonic()
    void member.ended.then((ended) => this.#onEnd(place, member, ended))
    const ready = await member.ready
    if (place.member === member) place.ready = ready
    if (this.#leader === undefined) this.#lead(member)
    return ready
  }

  #lead(member: Member): void {
    this.#leader = member
    member.lead()
  }

  /** Another member leads if that was the leader. */
  #passLead(member: Member | undefined): void {
    if (member === undefined || this.#leader !== member) return
    this.#leader = undefined
    const next = this.#places.find(({ ready }) => ready !== undefined)
    if (next?.member !== undefined) this.#lead(next.member)
  }

  #onEnd(place: Place, member: Member, { code, signal }: Ended): void {
    // Its place was given to another already.
    if (place.member !== member || place.restarting) return
    const served = place.ready !== undefined
    place.member = undefined
    place.ready = undefined
    this.#passLead(member)
    // At first, one that does not come to serve fails the start of all.
    if (this.#stopping || !(served || this.#started)) return
    this.#startAgain(place, signal ?? `exit code ${code}`)
  }

  #startAgain(place: Place, reason: string): void {
    const { clock, log } = this.#components
    place.deaths = clock.monotonic() - place.startedAt < STABLE ? place.deaths + 1 : 1
    const wait = Math.min(LONGEST_WAIT, SHORTEST_WAIT * 2 ** (place.deaths - 1))
    log.error("a relay process ended by itself", { worker: place.index, reason, retryInMs: wait })
    place.timer = clock.setTimeout(() => {
      this.#restarts.value++
      // A failure is an end, which leads here again.
      this.#begin(place).catch(() => undefined)
    }, wait)
  }
}
