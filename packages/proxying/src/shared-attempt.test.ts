import { beforeEach, describe, expect, it } from "vitest"
import { SharedAttempt } from "./shared-attempt.ts"

let end: PromiseWithResolvers<string>
let signal: AbortSignal | undefined
let abandoned: number

beforeEach(() => {
  end = Promise.withResolvers()
  signal = undefined
  abandoned = 0
})

function attempt(): SharedAttempt<string> {
  return new SharedAttempt(
    (given) => {
      signal = given
      return end.promise
    },
    () => abandoned++,
  )
}

const NEVER = new AbortController().signal

describe("SharedAttempt", () => {
  it("gives its result to all", async () => {
    const shared = attempt()
    const joined = [shared.join(NEVER), shared.join(NEVER)]
    end.resolve("done")
    expect(await Promise.all(joined)).toEqual(["done", "done"])
    expect(await shared.join(NEVER)).toBe("done")
    expect([signal?.aborted, abandoned]).toEqual([false, 0])
  })

  it("goes on while somebody waits", async () => {
    const shared = attempt()
    const gone = new AbortController()
    const first = shared.join(gone.signal)
    const second = shared.join(NEVER)
    gone.abort()
    expect(await first).toBeUndefined()
    expect(signal?.aborted).toBe(false)
    end.resolve("done")
    expect(await second).toBe("done")
    expect(abandoned).toBe(0)
  })

  it("is given up when the last one leaves", async () => {
    const shared = attempt()
    const gone = [new AbortController(), new AbortController()]
    const joined = gone.map((one) => shared.join(one.signal))
    for (const one of gone) one.abort()
    expect(await Promise.all(joined)).toEqual([undefined, undefined])
    expect([signal?.aborted, abandoned]).toEqual([true, 1])
    end.resolve("too late")
    await end.promise
    expect(abandoned).toBe(1)
  })

  it("is given up by one that had left before it came", async () => {
    expect(await attempt().join(AbortSignal.abort())).toBeUndefined()
    expect([signal?.aborted, abandoned]).toEqual([true, 1])
  })

  it("can be ended for everybody, who then get what it says", async () => {
    const shared = attempt()
    const joined = shared.join(NEVER)
    shared.giveUp()
    shared.giveUp()
    expect([signal?.aborted, abandoned]).toEqual([true, 1])
    end.resolve("given up")
    expect(await joined).toBe("given up")
  })
})
