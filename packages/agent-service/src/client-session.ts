import type { WebSocket } from "ws"
import { type Outcome, refused } from "./calls.ts"
import type { EventJson } from "./schema/events.ts"
import { PROTOCOL, request } from "./schema/frames.ts"

/** What a session needs of the service. */
export interface SessionSurroundings {
  readonly version: string
  /** Calls without an answer, at most. */
  readonly maxCalls: number
  /** Bytes that wait to be read by the program, at most. */
  readonly sendBuffer: number
  call(name: string, params: unknown): Promise<Outcome>
  /** Events that no program has answered yet. */
  pending(): AsyncIterable<EventJson>
  /** They could not be read. */
  failed(error: unknown): void
}

/** Codes with which connections are closed (RFC 6455 §7.4). */
export const CLOSE = { GOING_AWAY: 1001, UNSUPPORTED: 1003 } as const

/** A program that is connected. */
export class ClientSession {
  readonly #socket: WebSocket
  readonly #surroundings: SessionSurroundings
  readonly #calls = new Set<Promise<void>>()
  #listening = false
  #draining = false
  /** Called when half of the buffer is free again, or the connection is gone. */
  #onRoom: (() => void) | undefined

  constructor(socket: WebSocket, surroundings: SessionSurroundings) {
    this.#socket = socket
    this.#surroundings = surroundings
    socket.on("message", (data, binary) => {
      if (binary) socket.close(CLOSE.UNSUPPORTED, "text frames only")
      else this.#receive(data.toString())
    })
    this.#send({ hello: { service: "sluice agent", version: surroundings.version, protocol: PROTOCOL } })
  }

  /** Tells an event, if the program listens. */
  tell(event: EventJson): void {
    if (this.#listening) this.#send({ event })
  }

  /** Answers the calls that are under way, no new ones, and says goodbye. */
  async drain(): Promise<void> {
    this.#draining = true
    await Promise.all(this.#calls)
    const closed = new Promise((resolve) => this.#socket.once("close", resolve))
    if (this.#socket.readyState === this.#socket.CLOSED) return
    this.#socket.close(CLOSE.GOING_AWAY, "the service stops")
    await closed
  }

  /** Ends it at once. */
  cut(): void {
    this.#socket.terminate()
  }

  #receive(text: string): void {
    const parsed = request.safeParse(parse(text))
    if (!parsed.success) {
      this.#send({ id: null, ...refused("not a request: {id, call, params}") })
      return
    }
    const { id, call, params } = parsed.data
    if (this.#draining || this.#calls.size >= this.#surroundings.maxCalls) {
      const message = this.#draining ? "the service stops" : "too many calls without an answer"
      this.#send({ id, error: { code: "BUSY", message, temporary: true } })
      return
    }
    const answered = this.#answer(call, params).then((outcome) => this.#send(this.#fitting({ id, ...outcome })))
    this.#calls.add(answered)
    void answered.finally(() => this.#calls.delete(answered))
  }

  #answer(call: string, params: unknown): Promise<Outcome> {
    if (call !== "listen") return this.#surroundings.call(call, params)
    this.#listening = true
    // After the answer, so that a program that waits for it has everything that follows.
    queueMicrotask(() => queueMicrotask(() => void this.#tellPending()))
    return Promise.resolve({ result: {} })
  }

  /** As fast as the program reads: however much strangers have left waiting, it must not be what cuts the program off. */
  async #tellPending(): Promise<void> {
    try {
      for await (const event of this.#surroundings.pending()) {
        while (!this.#hasRoom()) {
          await new Promise<void>((resolve) => {
            this.#onRoom = resolve
          })
        }
        if (!this.#open) return
        this.tell(event)
      }
    } catch (error) {
      if (!this.#open) return
      // The program would wait for the rest for ever; when it is back, it gets all.
      this.#surroundings.failed(error)
      this.cut()
    }
  }

  get #open(): boolean {
    return this.#socket.readyState === this.#socket.OPEN
  }

  #hasRoom(): boolean {
    return !this.#open || this.#socket.bufferedAmount <= this.#surroundings.sendBuffer / 2
  }

  readonly #written = (): void => {
    if (this.#hasRoom()) this.#onRoom?.()
  }

  /** An answer that could never be sent is told as such, or the program would be cut off each time that it asks. */
  #fitting(answer: { readonly id: unknown } & Outcome): object {
    if (JSON.stringify(answer).length <= this.#surroundings.sendBuffer) return answer
    const message = "the answer does not fit into agent.send_buffer"
    return { id: answer.id, error: { code: "LARGE", message, temporary: false } }
  }

  /** A program that does not read costs no more memory than its buffer: it is cut off. */
  #send(frame: object): void {
    if (!this.#open) return
    const text = JSON.stringify(frame)
    if (this.#socket.bufferedAmount + text.length > this.#surroundings.sendBuffer) this.#socket.terminate()
    else this.#socket.send(text, this.#written)
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
