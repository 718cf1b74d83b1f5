// The bounds of one program, with a socket that is none.
import { EventEmitter } from "node:events"
import type { AgentEvent } from "@sluice/agent/events"
import { utf8 } from "@sluice/encoding/bytes"
import { bytesToJson } from "@sluice/encoding/json"
import { describe, expect, it, vi } from "vitest"
import type { WebSocket } from "ws"
import type { Outcome } from "../src/calls.ts"
import { ClientSession, type SessionSurroundings } from "../src/client-session.ts"
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

async function* nothing(): AsyncGenerator<EventJson> {
  yield* []
}

function session({
  call = (): Promise<Outcome> => Promise.resolve({ result: {} }),
  pending = nothing,
}: Partial<Pick<SessionSurroundings, "call" | "pending">> = {}) {
  const socket = new FakeSocket()
  const failed = vi.fn()
  const options = { version: "0", maxCalls: 2, sendBuffer: 1000, call, pending, failed }
  return { socket, failed, session: new ClientSession(socket as unknown as WebSocket, options) }
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

  it("that asks for more than fits is told so, and stays", async () => {
    const { socket } = session({ call: () => Promise.resolve({ result: { events: "x".repeat(1000) } }) })
    socket.receive({ id: 1, call: "undecided" })
    await vi.waitUntil(() => socket.sent.length === 2)
    expect(socket.sent[1]).toMatchObject({ id: 1, error: { code: "LARGE", temporary: false } })
    expect(socket.readyState).toBe(socket.OPEN)
  })

  it("is told nothing before it listens", () => {
    const { socket, session: one } = session()
    one.tell(connected("one"))
    expect(socket.sent).toMatchObject([{ hello: { protocol: 1 } }])
  })

  it("has a bound on its calls, and gets the answers to those when the service stops", async () => {
    const answers: (() => void)[] = []
    const { socket, session: one } = session({
      call: () => new Promise((resolve) => answers.push(() => resolve({ result: { done: true } }))),
    })
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
  const id = (text: string): Uint8Array => utf8(text)
  const json = (text: string): string => bytesToJson(id(text))
  const request = (invitationId: string): AgentEvent => ({
    ...{ type: "request", connectionId: id("address"), invitationId: id(invitationId), pq: true, servers: [] },
    info: new Uint8Array(16_000),
  })
  const meta = { messageId: 5, integrity: { type: "OK" }, serverTime: 0, externalId: 3n, pq: true } as const
  const message: AgentEvent = {
    ...{ type: "message", connectionId: id("one"), meta, notify: true, body: new Uint8Array(16_000) },
  }

  it("are kept until that, once each", () => {
    const pending = new Pending(10)
    const others: AgentEvent[] = [request("a"), { type: "connected", connectionId: id("one"), pq: true }]
    for (const event of [message, message, ...others]) pending.add(event)
    expect([...pending.list()].map(({ type }) => type)).toEqual(["message", "request"])
    pending.answered("acknowledge", { connectionId: json("one"), messageId: 4 })
    expect([...pending.list()]).toHaveLength(2)
    pending.answered("acknowledge", { connectionId: json("one"), messageId: 5 })
    pending.answered("rejectRequest", { invitationId: json("a") })
    expect([...pending.list()]).toEqual([])
    pending.add(request("b"))
    pending.answered("later", { correlation: "1", command: { type: "create" } })
    expect([...pending.list()]).toHaveLength(1)
    pending.answered("later", { correlation: "2", command: { type: "accept", invitationId: json("b") } })
    expect([...pending.list()]).toEqual([])
  })

  it("have a bound: the oldest requests of strangers go first, messages never", () => {
    const pending = new Pending(2)
    for (const event of [message, request("a"), request("b"), request("c")]) pending.add(event)
    expect([...pending.list()]).toMatchObject([{ type: "message" }, { type: "request", invitationId: id("c") }])
  })

  it("go with their connection", () => {
    const pending = new Pending(10)
    pending.add(message)
    pending.add({ type: "connections-deleted", connectionIds: [id("one")] })
    expect([...pending.list()]).toEqual([])
  })

  it("cost no more memory than their IDs, however large they are", () => {
    const pending = new Pending(10)
    // As IDs come from a store: views of the whole record.
    const record = new Uint8Array(16_000)
    const event = request("a")
    if (event.type !== "request") throw new Error("no request")
    pending.add({ ...event, connectionId: record.subarray(0, 12), invitationId: record.subarray(12, 24) })
    pending.add(message)
    for (const of of pending.list()) {
      const values = Object.values(of).filter((value) => value instanceof Uint8Array)
      expect(values.length).toBeGreaterThan(0)
      for (const bytes of values) expect(bytes.buffer.byteLength).toBeLessThanOrEqual(24)
    }
  })

  it("are not handed out when they were answered meanwhile", () => {
    const pending = new Pending(10)
    for (const event of [message, request("a")]) pending.add(event)
    const list = pending.list()
    expect(list.next().value).toMatchObject({ type: "message" })
    pending.answered("rejectRequest", { invitationId: json("a") })
    expect(list.next().done).toBe(true)
  })

  it("that can not be read cut the program off, which gets them when it is back", async () => {
    // biome-ignore lint/correctness/useYield: it fails before
    async function* broken(): AsyncGenerator<EventJson> {
      throw new Error("the store is away")
    }
    const { socket, failed } = session({ pending: broken })
    socket.receive({ id: 1, call: "listen" })
    await vi.waitUntil(() => failed.mock.calls.length > 0)
    expect(socket.readyState).toBe(socket.CLOSED)
  })
})
