import { mkdir, mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DecodeError } from "@sluice/encoding/errors"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { LocalOwnership } from "../local-ownership.ts"
import { StoreError } from "../store-error.ts"
import { Environment } from "./environment.ts"
import { GroupCommit } from "./group-commit.ts"

const KEY = Uint8Array.of(1)
const id = (n: number) => new Uint8Array(24).fill(n)

let parent: string
let engine: GroupCommit
let ownership: LocalOwnership
let settled: string[]

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "sluice-group-commit-"))
  const folder = join(parent, "store")
  await mkdir(folder)
  ownership = new LocalOwnership()
  engine = new GroupCommit(await Environment.open(folder, { sync: true, pageSize: 16_384 }), ownership, 100)
  settled = []
})

afterEach(async () => {
  await engine.close()
  await rm(parent, { recursive: true, force: true })
})

/** A change that writes its number, takes a subscription, counts a queue and then does what it is told. */
function write(n: number, then: () => unknown = () => undefined): Promise<string> {
  const change = engine.change(`write ${n}`, () => {
    const { tables } = engine
    tables.senders.put(Uint8Array.of(n), KEY)
    tables.counters.queues++
    ownership.take(id(n), "node")
    then()
  })
  return noted(n, change)
}

function noted(n: number, change: Promise<unknown>): Promise<string> {
  return change.then(
    () => {
      settled.push(`${n} done`)
      return "done"
    },
    (error: unknown) => {
      settled.push(`${n} failed`)
      if (!(error instanceof StoreError)) throw error
      return `${error.problem.code} in ${error.problem.operation}`
    },
  )
}

const stored = () => engine.tables.senders.keys({ limit: 100 }).map((key) => key[0])

function fail(): never {
  throw new Error("a mistake in an operation")
}

describe("a group of changes", () => {
  it("is one commit", async () => {
    expect(await Promise.all([1, 2, 3].map((n) => write(n)))).toEqual(["done", "done", "done"])
    expect(engine.figures).toMatchObject({ commits: 1, operations: 3, failures: 0 })
    expect(stored()).toEqual([1, 2, 3])
    expect(engine.tables.counters.queues).toBe(3)
  })

  it("is not larger than the limit", async () => {
    await Promise.all(Array.from({ length: 250 }, (_, n) => write(n)))
    expect(engine.figures).toMatchObject({ commits: 3, operations: 250 })
    expect(settled).toEqual(Array.from({ length: 250 }, (_, n) => `${n} done`))
  })

  it("goes on when one of them fails before it wrote", async () => {
    const unreadable = () => {
      throw new DecodeError("not a queue")
    }
    const results = await Promise.all([
      write(1),
      noted(2, engine.change("check", fail)),
      noted(3, engine.change("decode", unreadable)),
      write(4),
    ])
    expect(results).toEqual(["done", "STORE_UNAVAILABLE in check", "STORE_CORRUPT in decode", "done"])
    expect(settled).toEqual(["1 done", "2 failed", "3 failed", "4 done"])
    expect(engine.figures).toMatchObject({ commits: 1, failures: 0, rejections: 2 })
    expect(stored()).toEqual([1, 4])
  })

  it("is taken back and run again without one that fails after it wrote", async () => {
    const results = await Promise.all([write(1), write(2, fail), write(3), write(4, fail), write(5)])
    expect(results).toEqual(["done", "STORE_UNAVAILABLE in write 2", "done", "STORE_UNAVAILABLE in write 4", "done"])
    expect(settled).toEqual(["1 done", "2 failed", "3 done", "4 failed", "5 done"])
    expect(stored()).toEqual([1, 3, 5])
    expect(engine.tables.counters.queues).toBe(3)
    expect(engine.figures).toMatchObject({ commits: 1, failures: 2, rejections: 2 })
  })

  it("leaves the subscriptions as if the failed change had never been", async () => {
    const { owner } = ownership.take(id(2), "before")
    await Promise.all([write(1), write(2, fail), write(3)])
    expect(ownership.current(id(2))).toEqual(owner)
    expect(ownership.current(id(1))?.node).toBe("node")
    expect(ownership.size).toBe(3)
    await write(4, fail)
    expect(ownership.current(id(4))).toBeUndefined()
  })

  it("sees what earlier changes of the group wrote", async () => {
    const seen = engine.change("look", () => engine.tables.senders.has(Uint8Array.of(1)))
    await write(1)
    expect(await seen).toBe(false)
    const [, later] = await Promise.all([
      engine.change("remove", () => engine.tables.senders.remove(Uint8Array.of(1))),
      engine.change("look", () => engine.tables.senders.has(Uint8Array.of(1))),
    ])
    expect(later).toBe(false)
  })

  it("shows nothing to readers before it is committed", async () => {
    const writing = write(1)
    expect(await engine.read("look", () => engine.tables.senders.has(Uint8Array.of(1)))).toBe(false)
    await writing
    expect(await engine.read("look", () => engine.tables.senders.has(Uint8Array.of(1)))).toBe(true)
  })

  it("tells what went wrong with the operation's own name and the cause", async () => {
    const error = await engine.change("first", fail).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(StoreError)
    expect(error).toMatchObject({ problem: { code: "STORE_UNAVAILABLE", operation: "first" }, retryable: true })
    expect(String((error as StoreError).cause)).toContain("a mistake in an operation")
  })

  it("fails for a reader that fails, with a StoreError", async () => {
    await expect(engine.read("look", fail)).rejects.toBeInstanceOf(StoreError)
  })
})

describe("opening the files again", () => {
  it("happens by itself after they were lost", async () => {
    await write(1)
    await engine.tables.root.close()
    expect(await write(2)).toBe("STORE_UNAVAILABLE in write 2")
    expect(await Promise.all([write(3), write(4)])).toEqual(["done", "done"])
    expect(stored()).toEqual([1, 3, 4])
    expect(engine.figures.failures).toBe(1)
  })
})
