import { expect, test } from "vitest"
import { ManualClock } from "../test/manual-clock.ts"
import { KeepAlive, type KeepAliveOptions } from "./keep-alive.ts"

function watch(options: KeepAliveOptions = {}): { clock: ManualClock; done: string[]; rule: KeepAlive } {
  const clock = new ManualClock()
  const done: string[] = []
  const rule = new KeepAlive(options, clock, {
    ping: () => done.push(`ping ${clock.now() / 1000}`),
    drop: () => done.push(`drop ${clock.now() / 1000}`),
  })
  return { clock, done, rule }
}

test("nothing is asked where nothing is subscribed", () => {
  const { clock, done } = watch()
  clock.advance(10_000_000)
  expect(done).toEqual([])
  expect(clock.pending).toBe(0)
})

test("a ping goes out after 600 s of silence, and again", () => {
  const { clock, done, rule } = watch()
  rule.enablePings()
  rule.enablePings()
  clock.advance(1_200_000)
  expect(done).toEqual(["ping 600", "ping 1200"])
})

test("a received block postpones the ping unless only a second would be won", () => {
  const { clock, done, rule } = watch()
  rule.enablePings()
  clock.advance(400_000)
  rule.received()
  clock.advance(599_000)
  expect(done).toEqual([])
  clock.advance(1000)
  expect(done).toEqual(["ping 1000"])

  clock.advance(900)
  rule.received()
  clock.advance(599_100)
  expect(done.at(-1)).toBe("ping 1600")
})

test("three time-outs drop a connection that was silent for 15 minutes, not before", () => {
  const { clock, done, rule } = watch()
  for (let i = 0; i < 5; i++) rule.timedOut()
  clock.advance(899_999)
  rule.timedOut()
  expect(done).toEqual([])
  clock.advance(1)
  rule.timedOut()
  expect(done).toEqual(["drop 900"])
  rule.timedOut()
  expect(done).toHaveLength(1)
})

test("a block in between starts the count again", () => {
  const { clock, done, rule } = watch()
  rule.timedOut()
  rule.timedOut()
  rule.received()
  clock.advance(1_000_000)
  rule.timedOut()
  rule.timedOut()
  expect(done).toEqual([])
  rule.timedOut()
  expect(done).toEqual(["drop 1000"])
})

test("both rules can be turned off, and end with the connection", () => {
  const off = watch({ pingAfterMs: 0, maxTimeouts: 0, minSilenceMs: 0 })
  off.rule.enablePings()
  for (let i = 0; i < 9; i++) off.rule.timedOut()
  expect(off.done).toEqual([])
  expect(off.clock.pending).toBe(0)

  const stopped = watch({ minSilenceMs: 0 })
  stopped.rule.enablePings()
  stopped.rule.stop()
  stopped.rule.enablePings()
  for (let i = 0; i < 9; i++) stopped.rule.timedOut()
  expect(stopped.done).toEqual([])
  expect(stopped.clock.pending).toBe(0)
})
