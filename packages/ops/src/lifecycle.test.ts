import { EventEmitter } from "node:events"
import { setImmediate } from "node:timers/promises"
import { describe, expect, it } from "vitest"
import { type Program, runProgram } from "./lifecycle.ts"
import { ManualClock } from "./manual-clock.ts"
import { OperatorError } from "./operator-error.ts"
import { Readiness } from "./readiness.ts"
import { type RecordingLog, recordingLog } from "./recording-log.ts"
import type { Service } from "./service.ts"

interface Fixture {
  readonly events: EventEmitter
  readonly clock: ManualClock
  readonly log: RecordingLog
  readonly readiness: Readiness
  /** What happened, in order. */
  readonly seen: string[]
  /** What was written to standard error. */
  readonly written: string[]
  readonly exit: Promise<number>
  messages(): string[]
}

const fine: Service = { start: async () => undefined, stop: async () => undefined }

async function run(
  service: Partial<Service>,
  { build, ...more }: Partial<Program> & { build?: () => Promise<Program> } = {},
): Promise<Fixture> {
  const events = new EventEmitter()
  const clock = new ManualClock()
  const log = recordingLog()
  const readiness = new Readiness(clock)
  const seen: string[] = []
  const written: string[] = []
  const watched: Service = {
    start: async (signal) => {
      seen.push("start")
      await (service.start ?? fine.start)(signal)
    },
    stop: async (deadline) => {
      const { failing } = await readiness.report()
      seen.push(`stop (${failing.join()})`)
      await (service.stop ?? fine.stop)(deadline)
    },
    ...(service.reload && { reload: service.reload }),
  }
  const kill = (): void => void seen.push("killed")
  const host = { events, clock, writeError: (line: string) => void written.push(line), kill }
  const exit = runProgram(build ?? (() => ({ service: watched, log, readiness, ...more })), host)
  await setImmediate()
  return { events, clock, log, readiness, seen, written, exit, messages: () => log.entries.map((e) => e.message) }
}

const forever = (): Promise<void> => new Promise(() => undefined)

describe("runProgram", () => {
  it.each(["SIGTERM", "SIGINT"])("stops once on %s, with readiness red, and exits with 0", async (signal) => {
    const { events, exit, seen, readiness, messages, clock } = await run({})
    expect(await readiness.report()).toMatchObject({ ready: true })
    events.emit(signal)
    expect(await exit).toBe(0)
    expect(seen).toEqual(["start", "stop (draining)"])
    expect(messages()).toEqual(["started", "stopping", "stopped"])
    expect([clock.pending, events.eventNames()]).toEqual([0, []])
  })

  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ])("exits at once on a second signal, %s, with %d", async (second, code) => {
    const { events, exit, seen, clock } = await run({ stop: forever })
    events.emit("SIGTERM")
    await clock.advanceAsync(500)
    events.emit(second)
    expect(await exit).toBe(code)
    expect(seen.filter((step) => step.startsWith("stop")).length).toBeLessThanOrEqual(1)
  })

  it("takes the same signal again, at once, for an echo of the first", async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const { events, exit, clock, messages } = await run({ stop: () => promise })
    for (let i = 0; i < 3; i++) events.emit("SIGTERM")
    await clock.advanceAsync(499)
    events.emit("SIGTERM")
    resolve()
    expect(await exit).toBe(0)
    expect(messages()).toEqual(["started", "stopping", "stopped"])
  })

  it("tells a slow stop when its time is over", async () => {
    const stop = (deadline: AbortSignal): Promise<void> =>
      new Promise((resolve) => deadline.addEventListener("abort", () => resolve()))
    const { events, exit, clock, messages } = await run({ stop }, { grace: 5_000 })
    events.emit("SIGTERM")
    await clock.advanceAsync(4_999)
    expect(messages()).not.toContain("stopped")
    await clock.advanceAsync(1)
    expect(await exit).toBe(0)
  })

  it("does not wait for a stop that ignores its deadline", async () => {
    const { events, exit, clock, messages } = await run({ stop: forever })
    events.emit("SIGTERM")
    await clock.advanceAsync(22_000)
    expect(await exit).toBe(1)
    expect(messages().at(-1)).toBe("did not stop in time, ending without it")
  })

  it("exits with 1 when stopping fails", async () => {
    const { events, exit, messages } = await run({ stop: () => Promise.reject(new Error("disk")) })
    events.emit("SIGTERM")
    expect(await exit).toBe(1)
    expect(messages().at(-1)).toBe("stopping failed")
  })

  it.each(["uncaughtException", "unhandledRejection"])("logs an %s and exits with 1", async (event) => {
    const { events, exit, log, seen } = await run({})
    const error = new Error("defect")
    events.emit(event, error)
    expect(await exit).toBe(1)
    expect(log.entries.at(-1)).toMatchObject({ level: "error", fields: { error } })
    expect(seen).toEqual(["start"])
  })
})

describe("an end without a stop", () => {
  it("waits until what was under way came to rest", async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const { events, exit, seen, clock } = await run(
      {},
      { release: () => promise.then(() => void seen.push("at rest")) },
    )
    events.emit("uncaughtException", new Error("defect"))
    await setImmediate()
    resolve()
    expect(await exit).toBe(1)
    expect(seen).toEqual(["start", "at rest"])
    expect(clock.pending).toBe(0)
  })

  it.each([
    ["does not come to rest", forever],
    ["cannot come to rest", () => Promise.reject(new Error("disk"))],
  ])("kills the process when that %s", async (_, release) => {
    const { events, seen, clock, exit } = await run({}, { release })
    events.emit("uncaughtException", new Error("defect"))
    await setImmediate()
    await clock.advanceAsync(2_000)
    await exit
    expect(seen).toEqual(["start", "killed"])
  })

  it("is not what follows a stop", async () => {
    const { events, exit } = await run({}, { release: () => expect.unreachable() })
    events.emit("SIGTERM")
    expect(await exit).toBe(0)
  })
})

describe("a start that fails", () => {
  it("because of the operator is told in one line, exit code 2", async () => {
    const { exit, written, log } = await run({ start: () => Promise.reject(new OperatorError("port 1 is in use")) })
    expect(await exit).toBe(2)
    expect([written, log.entries]).toEqual([["sluice: port 1 is in use"], []])
  })

  it("before there is a log is told all the same", async () => {
    const operator = await run({}, { build: () => Promise.reject(new OperatorError("relay.port: wrong")) })
    expect([await operator.exit, operator.written]).toEqual([2, ["sluice: relay.port: wrong"]])
    const defect = await run({}, { build: () => Promise.reject(new Error("defect")) })
    expect(await defect.exit).toBe(1)
    expect(defect.written.join()).toMatch(/^sluice: starting failed: Error: defect\n +at /)
    const odd = await run({}, { build: () => Promise.reject("text") })
    expect([await odd.exit, odd.written]).toEqual([1, ["sluice: starting failed: text"]])
  })

  it("because of a defect is logged, exit code 1", async () => {
    const { exit, messages, written } = await run({ start: () => Promise.reject(new Error("defect")) })
    expect([await exit, messages(), written]).toEqual([1, ["starting failed"], []])
  })
})

describe("a signal while starting", () => {
  it("gives the start up, which is no failure", async () => {
    const start = (signal: AbortSignal): Promise<void> =>
      new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)))
    const { events, exit, messages } = await run({ start })
    events.emit("SIGTERM")
    expect([await exit, messages()]).toEqual([0, ["stopping"]])
  })

  it("stops what got started nevertheless", async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const { events, exit, seen } = await run({ start: () => promise })
    events.emit("SIGTERM")
    resolve()
    expect(await exit).toBe(0)
    expect(seen).toEqual(["start", "stop (draining)"])
  })

  it("does not start what is being put together, and does not wait for ever", async () => {
    const { promise, resolve } = Promise.withResolvers<Program>()
    const { events, exit } = await run({}, { build: () => promise })
    events.emit("SIGTERM")
    resolve({ service: { ...fine, start: () => expect.unreachable() }, log: recordingLog() })
    expect(await exit).toBe(0)
    const hanging = await run({}, { build: () => new Promise(() => undefined) })
    hanging.events.emit("SIGTERM")
    await hanging.clock.advanceAsync(22_000)
    expect([await hanging.exit, hanging.written]).toEqual([1, ["sluice: did not stop in time"]])
  })
})

describe("SIGHUP", () => {
  it("reloads, one at a time, and never loses the last wish", async () => {
    const waiting: (() => void)[] = []
    const { events, exit, messages } = await run({ reload: () => new Promise((resolve) => waiting.push(resolve)) })
    for (let i = 0; i < 3; i++) events.emit("SIGHUP")
    expect(waiting).toHaveLength(1)
    waiting[0]?.()
    await setImmediate()
    expect(waiting).toHaveLength(2)
    waiting[1]?.()
    await setImmediate()
    expect(messages()).toEqual(["started", "reloaded", "reloaded"])
    events.emit("SIGTERM")
    expect(await exit).toBe(0)
  })

  it("leaves the program running when reloading fails or is not possible", async () => {
    const failing = await run({ reload: () => Promise.reject(new Error("bad certificate")) })
    failing.events.emit("SIGHUP")
    await setImmediate()
    expect(failing.messages().at(-1)).toBe("reloading failed, going on as before")
    const without = await run({})
    without.events.emit("SIGHUP")
    expect(without.messages().at(-1)).toBe("nothing to reload")
  })
})
