import { once } from "node:events"
import { expect, test } from "vitest"
import { EventHub } from "./event-hub.ts"

type Event = { type: "a"; n: number } | { type: "b" } | { type: "end" }

const hub = (): EventHub<Event> => new EventHub("end", () => new Error("ended"))

test("listeners get the events of their type in order until they leave", () => {
  const events = hub()
  const seen: number[] = []
  const any: string[] = []
  const listener = (event: { n: number }): number => seen.push(event.n)
  const stop = events.on("a", listener)
  events.on("a", listener)
  events.onAny((event) => any.push(event.type))
  events.emit({ type: "a", n: 1 })
  events.emit({ type: "b" })
  stop()
  stop()
  events.emit({ type: "a", n: 2 })
  expect(seen).toEqual([1, 1, 2])
  expect(any).toEqual(["a", "b", "a"])
})

test("once waits for the type, and can be aborted", async () => {
  const events = hub()
  const first = events.once("b")
  events.emit({ type: "a", n: 1 })
  events.emit({ type: "b" })
  expect(await first).toEqual({ type: "b" })

  const stop = new AbortController()
  const second = events.once("b", { signal: stop.signal })
  stop.abort(new Error("enough"))
  await expect(second).rejects.toThrow("enough")
  await expect(events.once("b", { signal: stop.signal })).rejects.toThrow("enough")
})

test("once rejects when there will be no more events, unless it waited for the last one", async () => {
  const events = hub()
  const never = events.once("b")
  const last = events.once("end")
  events.once("a") // nobody awaits this one, and that is no harm
  events.emit({ type: "end" })
  await expect(never).rejects.toThrow("ended")
  expect(await last).toEqual({ type: "end" })
})

test("a stream keeps what came before it was read and ends with the last event", async () => {
  const events = hub()
  const stream = events.stream()
  events.emit({ type: "a", n: 1 })
  events.emit({ type: "end" })
  const seen: string[] = []
  for await (const event of stream) seen.push(event.type)
  expect(seen).toEqual(["a", "end"])
})

test("a stream wakes for later events and ends when aborted", async () => {
  const events = hub()
  const stop = new AbortController()
  const stream = events.stream({ signal: stop.signal })
  const next = stream.next()
  events.emit({ type: "a", n: 7 })
  expect(await next).toEqual({ done: false, value: { type: "a", n: 7 } })
  const end = stream.next()
  stop.abort()
  expect(await end).toEqual({ done: true, value: undefined })
})

test("a stream whose reader lags beyond the limit throws after what it kept", async () => {
  const events = hub()
  const stream = events.stream({ limit: 2 })
  for (let n = 0; n < 3; n++) events.emit({ type: "a", n })
  expect((await stream.next()).value).toEqual({ type: "a", n: 0 })
  expect((await stream.next()).value).toEqual({ type: "a", n: 1 })
  await expect(stream.next()).rejects.toThrow(RangeError)
})

test("a listener that throws disturbs nobody, and is not silenced", async () => {
  const events = hub()
  const seen: string[] = []
  events.on("b", () => {
    throw new Error("listener")
  })
  events.on("b", () => seen.push("second"))
  const others = process.listeners("uncaughtException")
  process.removeAllListeners("uncaughtException")
  const uncaught = once(process, "uncaughtException")
  events.emit({ type: "b" })
  expect(seen).toEqual(["second"])
  expect(((await uncaught)[0] as Error).message).toBe("listener")
  for (const other of others) process.on("uncaughtException", other)
})
