import type { Clock } from "@sluice/ops/clock"
import type { Log } from "@sluice/ops/log"
import type { Batch } from "@sluice/smp-protocol/batch"
import type { BlockHandler, BlockStream } from "@sluice/transport/block-stream"
import type { CloseReason } from "@sluice/transport/errors"
import type { BlockProtocol, BlockSession, Reply } from "./protocol.ts"
import type { ServerMetrics } from "./server-metrics.ts"
import type { ServerSettings } from "./server-settings.ts"
import {
  type Session,
  type SessionEnd,
  type SessionFactory,
  type SessionHandler,
  SHORT_UNIT,
} from "./session-handler.ts"
import { SessionOutput } from "./session-output.ts"
import { type Congestible, StallWatch } from "./stall-watch.ts"
import type { Turns } from "./turns.ts"

/** What a session works with. */
export interface SessionParts<Params extends BlockSession, Command> {
  readonly stream: BlockStream
  readonly params: Params
  readonly protocol: BlockProtocol<Params, Command>
  readonly sessions: SessionFactory<Params, Command>
  readonly settings: ServerSettings
  /** Shared with all other sessions of the process. */
  readonly turns: Turns
  readonly clock: Clock
  readonly log: Log
  readonly metrics: ServerMetrics
  readonly onEnd: () => void
}

/**
 * One session: reads blocks, hands the commands of one block after the other to the handler, and sends what it answers.
 *
 * Reading stops while too many blocks wait to be processed, and while the peer doesn't read what it was sent; TCP then
 * tells the peer. No block is processed while output is congested, so a session holds a bounded amount of everything.
 * A block of many commands waits for its turn among the sessions that have one; blocks behind it wait for it.
 */
export class LiveSession<Params extends BlockSession, Command>
  implements Session<Params, Command>, BlockHandler, Congestible
{
  readonly params: Params
  readonly #parts: SessionParts<Params, Command>
  readonly #handler: SessionHandler<Command>
  readonly #output: SessionOutput
  readonly #stall: StallWatch
  /** Blocks that wait for the one in progress, the first of them perhaps for its turn. */
  readonly #received: (readonly Command[])[] = []
  /** The block in progress. */
  #current: readonly Command[] | undefined
  /** Leaves the line of long blocks, if the first of those that wait is in it. */
  #leaveLine: (() => void) | undefined
  #slow = 0
  #reading = false
  #end: SessionEnd | undefined
  #state: "open" | "draining" | "closing" | "closed" = "open"
  #lastBlockIn: number
  #lastBlockOut: number

  /** Throws what the session factory throws. */
  constructor(parts: SessionParts<Params, Command>) {
    const { stream, params, settings, clock, metrics } = parts
    this.#parts = parts
    this.params = params
    this.#lastBlockIn = this.#lastBlockOut = clock.monotonic()
    this.#output = new SessionOutput(stream, params, settings, metrics)
    this.#stall = new StallWatch(clock, settings.stallTimeout, this)
    this.#handler = parts.sessions(this)
  }

  get open(): boolean {
    return this.#state === "open" || this.#state === "draining"
  }

  get congested(): boolean {
    return this.#output.congested
  }

  /** Not read from, because its input or output is full. */
  get paused(): boolean {
    return !this.#reading
  }

  get socketBlocks(): number {
    return this.#output.socketBlocks
  }

  get waitingBatches(): number {
    return this.#output.waiting
  }

  get receivedBlocks(): number {
    return this.#received.length
  }

  /** Begins to read. */
  begin(): void {
    this.#parts.stream.setHandler(this)
    this.#readOn()
  }

  push(batch: readonly Reply[]): boolean {
    if (!this.open || batch.length === 0) return this.open
    const packed = this.#output.pack(batch)
    if (this.#output.full) {
      this.#parts.metrics.droppedBatches.value++
      return false
    }
    try {
      this.#send(packed)
    } catch (error) {
      this.#fail("an event could not be written", error)
    }
    return this.open
  }

  answerLater(command: Command, work: Promise<Reply>): void {
    this.#slow++
    work.then(
      (reply) => this.#answerLate(command, reply),
      (error: unknown) => {
        this.#defect("a slow command failed", error)
        this.#answerLate(command, undefined)
      },
    )
  }

  turn(): Promise<void> {
    return this.#parts.turns.goOn()
  }

  close(): void {
    this.#endWith("closed")
  }

  /** Closes it if it was silent in both directions for this many milliseconds and has no subscriptions. */
  endIfIdle(milliseconds: number): void {
    const silence = this.#parts.clock.monotonic() - Math.max(this.#lastBlockIn, this.#lastBlockOut)
    if (silence < milliseconds) return
    try {
      if (this.#handler.subscribed?.() !== true) this.#endWith("idle")
    } catch (error) {
      this.#fail("a session could not be asked for its subscriptions", error)
    }
  }

  /** Reads no more, finishes what was read, and closes. */
  drain(): void {
    if (this.#state !== "open") return
    this.#state = "draining"
    this.#pause()
    this.#work()
  }

  stalled(): void {
    this.destroy("stalled")
  }

  /** Cuts the connection, whatever is left to be sent. */
  destroy(end: SessionEnd): void {
    this.#end ??= end
    if (this.open) this.#state = "closing"
    this.#parts.stream.destroy()
  }

  onBlock(block: Uint8Array): void {
    const { protocol, metrics, settings, clock } = this.#parts
    if (!this.open) return
    this.#lastBlockIn = clock.monotonic()
    metrics.blocksIn.value++
    metrics.bytesIn.value += block.length
    try {
      const content = this.params.blockCodec.decode(block)
      if (content === undefined) metrics.badBlocks.value++
      const { commands, errors } = protocol.decode(content, this.params)
      metrics.commandsIn.value += commands.length
      metrics.parseErrors.value += errors.length
      if (errors.length > 0) this.#send(this.#output.pack(errors))
      if (commands.length > 0) this.#received.push(commands)
    } catch (error) {
      this.#fail("a received block could not be taken apart", error)
      return
    }
    this.#work()
    if (this.#received.length >= settings.maxReceivedBlocks) this.#pause()
  }

  onDrain(): void {
    this.#stall.moved()
    try {
      if (!this.#output.flush() || !this.open) return
      this.#handler.drained?.()
    } catch (error) {
      this.#fail("a session could not go on after congestion", error)
    }
    this.#work()
  }

  onClose(reason: CloseReason, error?: Error): void {
    this.#state = "closed"
    this.#stall.cancel()
    this.#leaveLine?.()
    this.#received.length = 0
    const { metrics, log, onEnd } = this.#parts
    const end = this.#end ?? reason
    metrics.sessionsEnded[end].value++
    if (end === "failed" && error !== undefined) log.debug("a connection failed", { error })
    try {
      this.#handler.closed?.(end)
    } catch (defect) {
      this.#defect("a session could not be closed", defect)
    }
    onEnd()
  }

  /** Processes blocks as long as it may, then lets more come. */
  #work(mayBeLong = false): void {
    for (let commands = this.#next(mayBeLong); commands !== undefined; commands = this.#next()) {
      this.#current = commands
      try {
        const answers = this.#handler.handle(commands)
        if (answers instanceof Promise) {
          answers.then(this.#onAnswers, this.#onFailure)
          return
        }
        this.#answer(answers)
      } catch (error) {
        this.#answerFailed(error)
      }
    }
    this.#readOn()
    const busy = this.#current !== undefined || this.#slow > 0 || this.#received.length > 0
    if (this.#state === "draining" && !busy) this.#endWith("drained")
  }

  /** The block to process now, if there is one; a long one that it is not the turn of gets in line. */
  #next(mayBeLong = false): readonly Command[] | undefined {
    const { settings, turns } = this.#parts
    if (!this.open || this.#current !== undefined) return undefined
    if (this.#output.congested || this.#slow >= settings.maxSlowCommands) return undefined
    const first = this.#received[0]
    if (first === undefined || first.length <= SHORT_UNIT || mayBeLong) return this.#received.shift()
    this.#leaveLine ??= turns.wait(this.#onTurn)
    return undefined
  }

  readonly #onTurn = (): void => {
    this.#leaveLine = undefined
    try {
      this.#work(true)
    } catch (error) {
      this.#fail("a long block could not be processed in its turn", error)
    }
  }

  readonly #onAnswers = (answers: readonly Reply[]): void => {
    try {
      this.#answer(answers)
    } catch (error) {
      this.#answerFailed(error)
    }
    this.#work()
  }

  readonly #onFailure = (error: unknown): void => {
    this.#answerFailed(error)
    this.#work()
  }

  /** Sends the answers of the block in progress. Throws, nothing sent, for answers that do not fit into blocks. */
  #answer(answers: readonly Reply[]): void {
    const packed = this.open ? this.#output.pack(answers) : []
    this.#current = undefined
    if (!this.open) return
    try {
      this.#send(packed)
      this.#handler.answered?.()
    } catch (error) {
      this.#fail("a session's answers could not be sent", error)
    }
  }

  /** A defect in the block in progress: every command of it is answered with a failure. */
  #answerFailed(error: unknown): void {
    const { protocol } = this.#parts
    const commands = this.#current ?? []
    this.#defect("a block of commands failed", error)
    try {
      this.#answer(commands.map((command) => protocol.failure(command, this.params)))
    } catch (defect) {
      this.#fail("a failure could not be answered", defect)
    }
  }

  #answerLate(command: Command, reply: Reply | undefined): void {
    const { protocol } = this.#parts
    this.#slow--
    try {
      if (this.open) this.#send(this.#output.pack([reply ?? protocol.failure(command, this.params)]))
    } catch (error) {
      this.#fail("a slow command could not be answered", error)
    }
    this.#work()
  }

  /** Never refused: answers are bounded by the blocks and slow commands that are under way. */
  #send(packed: readonly Batch<Reply>[]): void {
    if (packed.length === 0) return
    const before = this.#output.congested
    this.#output.send(packed)
    if (before) return
    this.#lastBlockOut = this.#parts.clock.monotonic()
    if (!this.#output.congested) return
    this.#stall.begin()
    this.#pause()
  }

  #defect(message: string, error: unknown): void {
    this.#parts.metrics.defects.value++
    this.#parts.log.error(`${message}, which is a defect of this program`, { error })
  }

  #fail(message: string, error: unknown): void {
    this.#defect(message, error)
    this.destroy("defect")
  }

  /** Closes after what was sent so far. */
  #endWith(end: SessionEnd): void {
    if (!this.open) return
    this.#end ??= end
    this.#state = "closing"
    this.#output.end()
  }

  #pause(): void {
    if (!this.#reading) return
    this.#reading = false
    this.#parts.stream.pause()
  }

  #readOn(): void {
    if (this.#reading || this.#state !== "open" || this.#output.congested) return
    if (this.#received.length >= this.#parts.settings.maxReceivedBlocks) return
    this.#reading = true
    this.#parts.stream.resume()
  }
}
