import { describe, expect, it } from "vitest"
import { composeServices, ownedService, type Service } from "./service.ts"

function fakes(events: string[], failing: ReadonlySet<string> = new Set()): (name: string) => Service {
  const step = async (event: string): Promise<void> => {
    events.push(event)
    if (failing.has(event)) throw new Error(event)
  }
  return (name) => ({
    start: () => step(`start ${name}`),
    stop: ({ aborted }) => step(`stop ${name}${aborted ? " at once" : ""}`),
    ...(name !== "b" && { reload: () => step(`reload ${name}`) }),
  })
}

const signal = new AbortController().signal

describe("composeServices", () => {
  it("starts in order, stops in reverse and reloads those that can", async () => {
    const events: string[] = []
    const all = composeServices(["a", "b", "c"].map(fakes(events)))
    await all.start(signal)
    await all.reload?.()
    await all.stop(signal)
    expect(events).toEqual(["start a", "start b", "start c", "reload a", "reload c", "stop c", "stop b", "stop a"])
  })

  it("stops what was started when one does not start", async () => {
    const events: string[] = []
    const all = composeServices(["a", "b", "c"].map(fakes(events, new Set(["start c", "stop b at once"]))))
    await expect(all.start(signal)).rejects.toMatchObject({
      errors: [{ message: "start c" }, { message: "stop b at once" }],
    })
    expect(events.slice(3)).toEqual(["stop b at once", "stop a at once"])
    const fine = composeServices(["a", "b"].map(fakes(events, new Set(["start b"]))))
    await expect(fine.start(signal)).rejects.toThrow("start b")
  })

  it("does not go on starting after the signal", async () => {
    const events: string[] = []
    const abort = new AbortController()
    const interrupting: Service = {
      start: async () => abort.abort(new Error("told to stop")),
      stop: async () => undefined,
    }
    await expect(composeServices([interrupting, fakes(events)("b")]).start(abort.signal)).rejects.toThrow(
      "told to stop",
    )
    expect(events).toEqual([])
  })

  it("stops all even if some fail", async () => {
    const events: string[] = []
    const all = composeServices(["a", "b", "c"].map(fakes(events, new Set(["stop c", "stop a"]))))
    await expect(all.stop(signal)).rejects.toThrow("stop c")
    expect(events).toEqual(["stop c", "stop b", "stop a"])
  })
})

describe("ownedService", () => {
  it("stops once, with the deadline that came first", async () => {
    const events: string[] = []
    const service = ownedService(fakes(events)("a"))
    await service.start()
    await Promise.all([service.stop(), service.stop(AbortSignal.abort())])
    await service[Symbol.asyncDispose]()
    expect(events).toEqual(["start a", "stop a"])
  })

  it("is stopped at once when it does not start, or is disposed of", async () => {
    const events: string[] = []
    const failing = ownedService(fakes(events, new Set(["start a"]))("a"))
    await expect(failing.start(signal)).rejects.toThrow("start a")
    await failing.stop(signal)
    {
      await using _disposed = ownedService(fakes(events)("b"))
    }
    expect(events).toEqual(["start a", "stop a at once", "stop b at once"])
  })
})
