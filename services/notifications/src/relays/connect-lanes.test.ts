import { recordingLog } from "@sluice/ops/recording-log"
import { SmpClientError } from "@sluice/smp-client/client-error"
import { expect, it, vi } from "vitest"
import { ManualClock } from "../../../../packages/smp-client/test/manual-clock.ts"
import { ConnectLanes, RelayStanding, type Standing } from "./connect-lanes.ts"
import { Limiter } from "./limiter.ts"
import { RelaySubscriber } from "./relay-subscriber.ts"

const never = (): Promise<never> => new Promise(() => undefined)

it("lets relays that answer wait for no others, and those for each other only", async () => {
  const lanes = new ConnectLanes(8, new ManualClock())
  const begun: Standing[] = []
  const attempt = (standing: Standing, count: number): void => {
    for (let i = 0; i < count; i++) {
      void lanes.run(standing, () => {
        begun.push(standing)
        return never()
      })
    }
  }
  attempt("failing", 100)
  attempt("new", 100)
  attempt("lost", 100)
  attempt("answers", 8)
  await Promise.resolve()
  const count = (standing: Standing): number => begun.filter((one) => one === standing).length
  expect([count("failing"), count("new"), count("lost"), count("answers")]).toEqual([2, 2, 2, 8])
})

it("gives the place of an attempt to the next after 5 s, and once only", async () => {
  const clock = new ManualClock()
  const lanes = new ConnectLanes(4, clock)
  const ends: (() => void)[] = []
  const hang = (): Promise<void> => lanes.run("new", () => new Promise<void>((resolve) => ends.push(resolve)))
  const attempts = Array.from({ length: 4 }, hang)
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  await settle()
  expect(ends).toHaveLength(1)
  clock.advance(4999)
  await settle()
  expect(ends).toHaveLength(1)
  clock.advance(1)
  await settle()
  expect(ends).toHaveLength(2)
  // The first has no place any more, so that its end makes room for nobody.
  ends[0]?.()
  await attempts[0]
  await settle()
  expect(ends).toHaveLength(2)
  ends[1]?.()
  await settle()
  expect(ends).toHaveLength(3)
})

it("takes a relay for lost after three failures in a row, and for failing if it has never answered", () => {
  const known = new RelayStanding(true)
  const after = (standing: RelayStanding, failures: number): Standing => {
    for (let i = 0; i < failures; i++) standing.failed()
    return standing.now
  }
  expect([known.now, after(known, 2), after(known, 1)]).toEqual(["answers", "answers", "lost"])
  known.answered()
  expect([known.now, after(known, 2)]).toEqual(["answers", "answers"])
  const strange = new RelayStanding(false)
  expect([strange.now, after(strange, 1), after(strange, 5)]).toEqual(["new", "failing", "failing"])
  strange.answered()
  expect(strange.now).toBe("answers")
})

/** What a store knows of a relay. */
interface Known {
  readonly serviceId?: Uint8Array
  readonly status?: string
}

it("connects after a restart to relays that answered before, while any number of strangers hang", async () => {
  const clock = new ManualClock()
  const lanes = new ConnectLanes(4, clock)
  const asked: string[] = []
  const subscribers: RelaySubscriber[] = []
  const start = (name: string, { serviceId, status }: Known): void => {
    const store = {
      relay: () => Promise.resolve({ serviceId }),
      subscriptionsToMake: () => Promise.resolve({ items: status === undefined ? [] : [{ status: { type: status } }] }),
    }
    const connect = (signal: AbortSignal): Promise<never> => {
      asked.push(name)
      return new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(new SmpClientError({ code: "CONNECT", stage: "TIMEOUT" })))
      })
    }
    const subscriber = new RelaySubscriber(
      new Uint8Array(16),
      { connect, batch: 10, random: () => 0 },
      {
        ...{ store: store as never, log: recordingLog(), clock, intake: { drained: () => Promise.resolve() } as never },
        ...{ connecting: lanes, subscribing: new Limiter(1) },
      },
    )
    subscribers.push(subscriber)
    subscriber.start()
  }
  for (let i = 0; i < 50; i++) start("strange", { status: "NEW" })
  for (let i = 0; i < 50; i++) start("refused", { status: "ERR" })
  start("with a service", { serviceId: Uint8Array.of(1), status: "NEW" })
  start("without", { status: "ACTIVE" })
  start("empty", {})
  await vi.waitUntil(() => asked.includes("without"))
  expect(asked.toSorted()).toEqual(["strange", "with a service", "without"])
  await Promise.all(subscribers.map((subscriber) => subscriber.stop()))
})
