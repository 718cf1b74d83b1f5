import type { Clock, Timer } from "@sluice/ops/clock"
import type { Log } from "@sluice/ops/log"
import type { BlockStream } from "@sluice/transport/block-stream"
import type { CloseReason } from "@sluice/transport/errors"
import type { BlockProtocol, BlockSession, Reply } from "./protocol.ts"
import type { ServerMetrics } from "./server-metrics.ts"
import type { ServerSettings } from "./server-settings.ts"
import type { Session, SessionEnd, SessionFactory, SessionHandler } from "./session-handler.ts"
import { SessionOutput } from "./session-output.ts"

/** What a session works with. */
export interface SessionParts<Params extends BlockSession, Command> {
  readonly stream: BlockStream
  readonly params: Params
  readonly protocol: BlockProtocol<Params, Command>
  readonly sessions: SessionFactory<Params, Command>
  readonly settings: ServerSettings
  readonly clock: Clock
  readonly log: Log
  readonly metrics: ServerMetrics
  readonly onEnd: (session: LiveSession<Params, Command>) => void
}

/**
 * One session: reads blocks, hands the commands of one block after the other to the handler, and sends what it answers.
 *
 * Reading stops while too many blocks wait to be processed, and while the peer doesn't read what it was sent; TCP then
 * tells the peer. No block is processed while output is congested, so a session holds a bounded amount of everything.
 */
export class LiveSession<Params extends BlockSession, Command> implements Session<Params, Command> {
  readonly params: Params
  readonly #parts: SessionParts<Params, Command>
  readonly #handler: SessionHandler<Command>
  readonly #output: SessionOutput
  readonly #received: (readonly Command[])[] = []
  #processing = false
  #slow = 0
  #reading = false
  #end: SessionEnd | undefined
  #state: "open" | "draining" | "closing" | "closed" = "open"
  #stall: Timer | undefined
  #lastBlockIn: number
  #lastBlockOut: number

  constructor(parts: SessionParts<Params, Command>) {
    this.#parts = parts
    this.params = parts.params
    this.#lastBlockIn = this.#lastBlockOut = parts.clock.monotonic()
    this.#output = new SessionOutput(parts.stream, parts.params.blockCodec, parts.settings, parts.metrics)
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
    this.#parts.stream.setHandler({
      onBlock: (block) => this.#onBlock(block),
      onDrain: () => this.#onDrain(),
      onClose: (reason, error) => this.#onClose(reason, error),
    })
    this.#readOn()
  }

  push(batch: readonly Reply[]): boolean {
    if (!this.open || batch.length === 0) return this.open
    const kept = this.#output.send(batch)
    this.#lastBlockOut = this.#parts.clock.monotonic()
    if (this.#output.congested) this.#onCongested()
    return kept
  }

  answerLater(command: Command, work: Promise<Reply>): void {
    this.#slow++
    work
      .catch((error: unknown) => {
        this.#defect("a slow command failed", error)
        return this.#parts.protocol.failure(command, this.params)
      })
      .then((reply) => {
        this.#slow--
        this.push([reply])
        this.#processNext()
      })
  }

  close(): void {
    this.#endWith("closed")
  }

  /** Silent in both directions for this many milliseconds, and without subscriptions. */
  isIdle(milliseconds: number): boolean {
    const since = Math.max(this.#lastBlockIn, this.#lastBlockOut)
    return this.#parts.clock.monotonic() - since >= milliseconds && this.#handler.subscribed?.() !== true
  }

  /** Closes after what was sent so far, for this reason. */
  #endWith(end: SessionEnd): void {
    if (!this.open) return
    this.#end ??= end
    this.#state = "closing"
    this.#output.end()
  }

  /** Closes it because it was idle. */
  endIdle(): void {
    this.#endWith("idle")
  }

  /** Reads no more, finishes what was read, and closes. */
  drain(): void {
    if (this.#state !== "open") return
    this.#state = "draining"
    this.#pause()
    this.#finishDrain()
  }

  /** Cuts the connection, whatever is left to be sent. */
  destroy(end: SessionEnd): void {
    this.#end ??= end
    this.#parts.stream.destroy()
  }

  #onBlock(block: Uint8Array): void {
    const { protocol, metrics, settings, clock } = this.#parts
    this.#lastBlockIn = clock.monotonic()
    metrics.blocksIn.value++
    metrics.bytesIn.value += block.length
    const content = this.params.blockCodec.decode(block)
    if (content === undefined) metrics.badBlocks.value++
    const { commands, errors } = protocol.decode(content, this.params)
    if (errors.length > 0) {
      metrics.parseErrors.value += errors.length
      this.push(errors)
    }
    if (commands.length === 0 || !this.open) return
    metrics.commandsIn.value += commands.length
    this.#received.push(commands)
    if (this.#received.length > settings.maxReceivedBlocks) this.#pause()
    this.#processNext()
  }

  #processNext(): void {
    if (this.#processing || this.#state === "closed") return
    if (this.#output.congested || this.#slow >= this.#parts.settings.maxSlowCommands) {
      this.#finishDrain()
      return
    }
    const commands = this.#received.shift()
    if (commands === undefined) {
      this.#finishDrain()
      return
    }
    this.#processing = true
    let answers: readonly Reply[] | Promise<readonly Reply[]>
    try {
      answers = this.#handler.handle(commands)
    } catch (error) {
      answers = this.#failures(commands, error)
    }
    if (!(answers instanceof Promise)) {
      this.#processed(answers)
      return
    }
    answers.then(
      (replies) => this.#processed(replies),
      (error: unknown) => this.#processed(this.#failures(commands, error)),
    )
  }

  #processed(answers: readonly Reply[]): void {
    this.#processing = false
    if (this.#state === "closed") return
    try {
      this.push(answers)
      this.#handler.answered?.()
    } catch (error) {
      this.#defect("a session's answers could not be sent", error)
      this.destroy("defect")
      return
    }
    this.#readOn()
    // A handler that answers without waiting would otherwise recurse as deep as blocks wait.
    if (this.#received.length > 0) queueMicrotask(() => this.#processNext())
    else this.#finishDrain()
  }

  #failures(commands: readonly Command[], error: unknown): Reply[] {
    this.#defect("a block of commands failed", error)
    return commands.map((command) => this.#parts.protocol.failure(command, this.params))
  }

  #defect(message: string, error: unknown): void {
    this.#parts.metrics.defects.value++
    this.#parts.log.error(`${message}, which is a defect of this program`, { error })
  }

  #onCongested(): void {
    this.#pause()
    const { stallTimeout } = this.#parts.settings
    if (stallTimeout === undefined || this.#stall !== undefined) return
    this.#stall = this.#parts.clock.setTimeout(() => this.destroy("stalled"), stallTimeout, { background: true })
  }

  #onDrain(): void {
    if (!this.#output.flush()) {
      this.#stall?.refresh()
      return
    }
    this.#stall?.cancel()
    this.#stall = undefined
    if (!this.open) return
    try {
      this.#handler.drained?.()
    } catch (error) {
      this.#defect("a session could not go on after congestion", error)
      this.destroy("defect")
      return
    }
    this.#readOn()
    this.#processNext()
  }

  #pause(): void {
    if (!this.#reading) return
    this.#reading = false
    this.#parts.stream.pause()
  }

  #readOn(): void {
    if (this.#reading || this.#state !== "open" || this.#output.congested) return
    if (this.#received.length > this.#parts.settings.maxReceivedBlocks) return
    this.#reading = true
    this.#parts.stream.resume()
  }

  #finishDrain(): void {
    if (this.#state !== "draining" || this.#processing || this.#slow > 0 || this.#received.length > 0) return
    this.#endWith("drained")
  }

  #onClose(reason: CloseReason, error: Error | undefined): void {
    this.#state = "closed"
    this.#stall?.cancel()
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
    onEnd(this)
  }
}
