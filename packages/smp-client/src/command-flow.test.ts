import type { BrokerMessage } from "@sluice/smp-protocol/messages"
import { expect, test } from "vitest"
import { ManualClock } from "../test/manual-clock.ts"
import { SmpClientError } from "./client-error.ts"
import { CommandFlow, type FlowOptions, type Started } from "./command-flow.ts"

const OK: BrokerMessage = { tag: "OK" }
const ENTITY = Uint8Array.of(9)
const id = (n: number): Uint8Array => Uint8Array.of(n >> 8, n)

interface Setup {
  readonly flow: CommandFlow
  readonly clock: ManualClock
  /** Correlation ids of the commands that were started, in order. */
  readonly started: number[]
  /** Those that were taken back before they were sent. */
  readonly cancelled: number[]
  timeouts: number
  submit(n: number, signal?: AbortSignal, timeoutMs?: number): Promise<BrokerMessage>
}

function setup(options: FlowOptions = {}, inTime = false): Setup {
  const clock = new ManualClock()
  const state: Setup = {
    clock,
    started: [],
    cancelled: [],
    timeouts: 0,
    flow: new CommandFlow(options, clock, () => state.timeouts++),
    submit(n, signal, timeoutMs) {
      const start = (): Started => {
        state.started.push(n)
        return { corrId: id(n), entityId: ENTITY, cancel: () => inTime && state.cancelled.push(n) > 0 }
      }
      return state.flow.submit("SUB", start, { signal, timeoutMs })
    },
  }
  return state
}

function answer(flow: CommandFlow, n: number): string {
  const match = flow.match(id(n), ENTITY)
  if (match.kind === "answer") match.command.resolve(OK)
  return match.kind
}

test("answers find their commands in any order", async () => {
  const { flow, submit } = setup()
  const first = submit(1)
  const second = submit(2)
  expect(flow.inFlight).toBe(2)
  expect(answer(flow, 2)).toBe("answer")
  expect(answer(flow, 1)).toBe("answer")
  expect(await Promise.all([first, second])).toEqual([OK, OK])
  expect(answer(flow, 1)).toBe("unknown")
  expect(flow.inFlight).toBe(0)
})

test("another entity is not the answer, and the command is over", async () => {
  const { flow, submit } = setup()
  const command = submit(1)
  const match = flow.match(id(1), Uint8Array.of(8))
  expect(match.kind).toBe("other-entity")
  if (match.kind === "other-entity") match.command.reject(new Error("other"))
  await expect(command).rejects.toThrow("other")
})

test("only so many are in flight, the others follow in order, and one too many is refused", async () => {
  const { flow, submit, started } = setup({ maxInFlight: 2, maxQueued: 2 })
  const commands = [1, 2, 3, 4].map((n) => submit(n))
  expect(started).toEqual([1, 2])
  expect(flow.queued).toBe(2)
  await expect(submit(5)).rejects.toMatchObject({ problem: { code: "BUSY", command: "SUB" }, retryable: true })
  answer(flow, 2)
  expect(started).toEqual([1, 2, 3])
  for (const n of [1, 3, 4]) answer(flow, n)
  await Promise.all(commands)
  expect(flow.queued).toBe(0)
})

test("each command waiting before it gives a command more time", async () => {
  const { clock, submit } = setup({ commandTimeoutMs: 1000, perCommandMs: 100 })
  const times: number[] = []
  const done = [1, 2, 3].map((n) => submit(n).catch(() => times.push(clock.now())))
  clock.advance(999)
  await Promise.resolve()
  expect(times).toEqual([])
  for (let i = 0; i < 3; i++) {
    clock.advance(clock.next ?? 0)
    await Promise.resolve()
    await Promise.resolve()
  }
  await Promise.all(done)
  expect(times).toEqual([1000, 1100, 1200])
})

test("a call can bring its own time-out", async () => {
  const state = setup({ perCommandMs: 0 })
  const command = state.submit(1, undefined, 50)
  state.clock.advance(50)
  await expect(command).rejects.toMatchObject({ problem: { code: "TIMEOUT" }, network: true, retryable: true })
  expect(state.timeouts).toBe(1)
})

test("an answer after the time-out is late, once, and makes no room twice", async () => {
  const state = setup({ maxInFlight: 1 })
  const command = state.submit(1)
  const next = state.submit(2)
  state.clock.advance(30_000)
  await expect(command).rejects.toBeInstanceOf(SmpClientError)
  expect(state.started).toEqual([1, 2])
  expect(state.flow.match(id(1), Uint8Array.of(8)).kind).toBe("unknown")
  expect(answer(state.flow, 1)).toBe("late")
  expect(answer(state.flow, 1)).toBe("unknown")
  answer(state.flow, 2)
  await next
  expect(state.clock.pending).toBe(0)
})

test("the oldest of too many late commands is forgotten", async () => {
  const state = setup({ maxLate: 2, perCommandMs: 0 })
  const commands = [1, 2, 3].map((n) => state.submit(n))
  state.clock.advance(30_000)
  await Promise.allSettled(commands)
  expect([1, 2, 3].map((n) => answer(state.flow, n))).toEqual(["unknown", "late", "late"])
})

test("an aborted command rejects with the reason, wherever it is", async () => {
  const stop = new AbortController()
  const reason = new Error("enough")
  const sent = setup({ maxInFlight: 1 })
  const inFlight = sent.submit(1, stop.signal)
  const queued = sent.submit(2, stop.signal)
  const other = sent.submit(3)
  stop.abort(reason)
  await expect(inFlight).rejects.toBe(reason)
  await expect(queued).rejects.toBe(reason)
  await expect(sent.submit(4, stop.signal)).rejects.toBe(reason)
  expect(sent.started).toEqual([1, 3])
  expect(answer(sent.flow, 1)).toBe("late")
  answer(sent.flow, 3)
  await other

  const notSent = setup({}, true)
  const again = new AbortController()
  const command = notSent.submit(1, again.signal)
  again.abort(reason)
  await expect(command).rejects.toBe(reason)
  expect(notSent.cancelled).toEqual([1])
  expect(answer(notSent.flow, 1)).toBe("unknown")
})

test("a command that cannot be started is rejected and takes no place", async () => {
  const { flow, submit } = setup({ maxInFlight: 1 })
  const bad = flow.submit(
    "SEND",
    () => {
      throw new SmpClientError({ code: "TOO_LARGE", command: "SEND" })
    },
    {},
  )
  await expect(bad).rejects.toMatchObject({ problem: { code: "TOO_LARGE" } })
  expect(flow.inFlight).toBe(0)
  const good = submit(1)
  answer(flow, 1)
  await good
})

test("the end rejects what waits, what is in flight, and what comes", async () => {
  const { flow, submit, clock } = setup({ maxInFlight: 1 })
  const lost = new SmpClientError({ code: "LOST" })
  const commands = [submit(1), submit(2)]
  flow.end(lost)
  flow.end(new SmpClientError({ code: "CLOSED" }))
  for (const command of [...commands, submit(3)]) await expect(command).rejects.toBe(lost)
  expect(clock.pending).toBe(0)
})
