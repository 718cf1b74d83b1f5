import { nativeCrypto } from "@sluice/crypto/native"
import type { SmpConnection } from "@sluice/smp-client/connection"
import type { ReceivedMessage } from "@sluice/smp-client/queue-types"
import { CommandFailure } from "../failure.ts"
import { say } from "../output.ts"
import type { GlobalOptions } from "../place.ts"
import { withConnection } from "../queue/connection.ts"
import { MessageOpener } from "../queue/message-opener.ts"
import { printMessage } from "../queue/print-message.ts"
import { type RecipientState, readRecipientState, writeRecipientState } from "../queue/recipient-state.ts"
import { serverName } from "../server-argument.ts"

/** Options of `sluice queue receive`. */
export interface ReceiveOptions extends GlobalOptions {
  readonly count?: number
  /** Milliseconds without a message. */
  readonly timeout?: number
  readonly json?: true
  readonly keep?: true
}

/** Milliseconds for connecting, and for each answer. */
const ANSWER_TIMEOUT = 15_000

/** `sluice queue receive` */
export async function receiveMessages(file: string, options: ReceiveOptions): Promise<void> {
  const state = await readRecipientState(nativeCrypto, file)
  const wanted = options.keep ? 1 : (options.count ?? Number.POSITIVE_INFINITY)
  await withConnection(state.address.server, ANSWER_TIMEOUT, async (connection) => {
    const stop = new Stop(options.timeout)
    try {
      const reception = new Reception(connection, file, state, options)
      await reception.run(wanted, stop)
      if (stop.why === "timeout" && reception.received < wanted && Number.isFinite(wanted)) {
        throw new CommandFailure(`${file}: ${reception.received} of ${wanted} messages came in time`)
      }
    } finally {
      stop.release()
    }
  })
}

/** The end of waiting: a time without a message, or a signal, after which what was begun is finished. */
class Stop {
  readonly #abort = new AbortController()
  readonly #timer: NodeJS.Timeout | undefined
  why: "timeout" | "signal" | undefined
  readonly #onSignal = (): void => this.#end("signal")

  constructor(timeoutMs: number | undefined) {
    if (timeoutMs !== undefined) this.#timer = setTimeout(() => this.#end("timeout"), timeoutMs)
    // Stays for repetitions: what is being finished takes seconds at most.
    process.on("SIGINT", this.#onSignal).on("SIGTERM", this.#onSignal)
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** There was a message: the time begins anew. */
  postpone(): void {
    this.#timer?.refresh()
  }

  release(): void {
    clearTimeout(this.#timer)
    process.off("SIGINT", this.#onSignal).off("SIGTERM", this.#onSignal)
  }

  #end(why: "timeout" | "signal"): void {
    this.why ??= why
    this.#abort.abort()
  }
}

class Reception {
  readonly #connection: SmpConnection
  readonly #file: string
  readonly #options: ReceiveOptions
  readonly #opener: MessageOpener
  #state: RecipientState
  received = 0

  constructor(connection: SmpConnection, file: string, state: RecipientState, options: ReceiveOptions) {
    this.#connection = connection
    this.#file = file
    this.#options = options
    this.#state = state
    this.#opener = new MessageOpener(nativeCrypto, state)
  }

  /** Receives until enough came or it is told to stop. */
  async run(wanted: number, stop: Stop): Promise<void> {
    const events = this.#connection.events.stream({ signal: stop.signal })
    await this.#connection.subscribe(this.#state)
    for await (const event of events) {
      if (event.type === "message") await this.#takeAll(event, wanted, stop)
      else if (event.type === "end") throw this.#failure("another client receives from the queue now")
      else if (event.type === "deleted") throw this.#failure("the queue was deleted")
      else if (event.type === "closed") throw event.error
      if (this.received >= wanted) return
    }
  }

  /** A message and those that come in answer to its acknowledgement. */
  async #takeAll(first: ReceivedMessage, wanted: number, stop: Stop): Promise<void> {
    let message: ReceivedMessage | undefined = first
    while (message !== undefined) {
      stop.postpone()
      await this.#show(message)
      if (this.#options.keep) return
      // Acknowledged only after it was printed and what it said about its sender was written: if this process ends in
      // between, the message comes again.
      message = await this.#connection.acknowledge(this.#state, message.msgId)
      if (this.received >= wanted || stop.signal.aborted) return
    }
  }

  async #show({ msgId, body }: ReceivedMessage): Promise<void> {
    const content = this.#connection.decryptDelivered(this.#state, { msgId, body })
    if (content?.kind === "quota") {
      say("The queue was full: its sender had to wait, messages may be missing.")
      return
    }
    const message = content && this.#opener.open(content.body)
    if (content === undefined || message === undefined) {
      say("A message could not be decrypted and was dropped.")
      return
    }
    this.received++
    await printMessage({ msgId, timestamp: content.timestamp, body: message.body }, this.#options.json === true)
    if (message.senderKey !== undefined) await this.#connection.secure(this.#state, message.senderKey)
    const { senderKey } = this.#opener
    if (senderKey !== undefined && this.#state.senderKey === undefined) {
      this.#state = { ...this.#state, senderKey }
      await writeRecipientState(this.#file, this.#state)
    }
  }

  #failure(reason: string): CommandFailure {
    return new CommandFailure(`${serverName(this.#state.address.server)}: ${reason}`)
  }
}
