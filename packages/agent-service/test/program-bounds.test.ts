// The bounds of one program, with a socket that is none.
import { EventEmitter } from "node:events"
import { describe, expect, it } from "vitest"
import type { WebSocket } from "ws"
import type { Outcome } from "../src/calls.ts"
import { ClientSession } from "../src/client-session.ts"
import { Pending } from "../src/pending.ts"
import type { EventJson } from "../src/schema/events.ts"

/** A socket that keeps what is sent, and says how much of it waits. */
class FakeSocket extends EventEmitter {
  readonly OPEN = 1
  readonly CLOSED = 3
  readyState = 1
  bufferedAmount = 0
  readonly sent: Record<string, unknown>[] = []
  closedWith: number | undefined

  send(text: string): void {
    this.sent.push(JSON.parse(text))
  }

  close(code: number): void {
    this.closedWith = code
    this.end()
  }

  terminate(): void {
    this.end()
  }

  private end(): void {
    if (this.readyState === this.CLOSED) return
    this.readyState = this.CLOSED
    this.emit("close")
  }

  /** What the program sends. */
  receive(frame: object): void {
    this.emit("message", Buffer.from(JSON.stringify(frame)), false)
  }
}

function session(call: () => Promise<Outcome> = () => Promise.resolve({ result: {} })) {
  const socket = new FakeSocket()
  const options = { version: "0", maxCalls: 2, sendBuffer: 1000, call, pending: () => [] }
  return { socket, session: new ClientSession(socket as unknown as WebSocket, options) }
}

const connected = (connectionId: string): EventJson => ({ type: "connected", connectionId, pq: true })

describe("a program", () => {
  it("that does not read is cut off", async () => {
    const { socket, session: one } = session()
    socket.receive({ id: 1, call: "listen" })
    one.tell(connected("one"))
    socket.bufferedAmount = 990
    one.tell(connected("two"))
    expect(socket.readyState).toBe(socket.CLOSED)
    one.tell(connected("three"))
    expect(socket.sent.filter((frame) => "event" in frame)).toHaveLength(1)
  })

  it("is told nothing before it listens", () => {
    const { socket, session: one } = session()
    one.tell(connected("one"))
    expect(socket.sent).toMatchObject([{ hello: { protocol: 1 } }])
  })

  it("has a bound on its calls, and gets the answers to those when the service stops", async () => {
    const answers: (() => void)[] = []
    const { socket, session: one } = session(
      () => new Promise((resolve) => answers.push(() => resolve({ result: { done: true } }))),
    )
    for (const id of [1, 2, 3]) socket.receive({ id, call: "users" })
    expect(socket.sent.at(-1)).toMatchObject({ id: 3, error: { code: "BUSY", temporary: true } })
    const drained = one.drain()
    socket.receive({ id: 4, call: "users" })
    expect(socket.sent.at(-1)).toMatchObject({ id: 4, error: { code: "BUSY" } })
    expect(socket.closedWith).toBeUndefined()
    for (const answer of answers) answer()
    await drained
    expect(socket.sent.slice(-2)).toEqual([1, 2].map((id) => ({ id, result: { done: true } })))
    expect(socket.closedWith).toBe(1001)
  })
})

describe("events that wait for an answer", () => {
  const request = (invitationId: string): EventJson => ({
    ...{ type: "request", connectionId: "address", invitationId, info: "", pq: true, servers: [] },
  })
  const meta = { messageId: 5, integrity: { type: "OK" }, serverTime: 0, externalId: "3", pq: true } as const
  const message: EventJson = { type: "message", connectionId: "one", meta, notify: true, body: "" }

  it("are kept until that, once each", () => {
    const pending = new Pending(10)
    for (const event of [message, message, request("a"), connected("one")]) pending.add(event)
    expect(pending.list().map(({ type }) => type)).toEqual(["message", "request"])
    pending.answered("acknowledge", { connectionId: "one", messageId: 4 })
    expect(pending.list()).toHaveLength(2)
    pending.answered("acknowledge", { connectionId: "one", messageId: 5 })
    pending.answered("rejectRequest", { invitationId: "a" })
    expect(pending.list()).toEqual([])
    pending.add(request("b"))
    pending.answered("later", { correlation: "1", command: { type: "create" } })
    expect(pending.list()).toHaveLength(1)
    pending.answered("later", { correlation: "2", command: { type: "accept", invitationId: "b" } })
    expect(pending.list()).toEqual([])
  })

  it("have a bound: the oldest requests of strangers go first, messages never", () => {
    const pending = new Pending(2)
    for (const event of [message, request("a"), request("b"), request("c")]) pending.add(event)
    expect(pending.list()).toEqual([message, request("c")])
  })

  it("go with their connection", () => {
    const pending = new Pending(10)
    pending.add(message)
    pending.add({ type: "connections-deleted", connectionIds: ["one"] })
    expect(pending.list()).toEqual([])
  })
})
