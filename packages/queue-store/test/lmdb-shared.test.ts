import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { setTimeout as wait } from "node:timers/promises"
import { open } from "lmdb"
import { describe, expect, it } from "vitest"
import { type LmdbStore, openLmdbStore } from "../src/lmdb/lmdb-store.ts"
import { accepted, message, QUOTA, queue, rid } from "./fixtures.ts"
import { temporaryFolders } from "./temporary-folders.ts"

const newFolder = temporaryFolders()
const children = join(import.meta.dirname, "children")

/** Processes at the same time, queues that all of them use, and how often one of them is killed. */
const PROCESSES = 3
const QUEUES = 4
const KILLS = 6
/** Lines of report before the next kill. */
const LINES = 250

describe("an LMDB store that several processes share", () => {
  it("loses nothing that any of them confirmed, whichever is killed", { timeout: 60_000 }, async () => {
    const folder = await newFolder()
    const reports = new Reports()
    const running = Array.from({ length: PROCESSES }, (_, i) => new Sharer(folder, `n${i}`, reports))
    for (let kill = 0; kill < KILLS; kill++) {
      await reports.more(LINES)
      const victim = kill % PROCESSES
      await running[victim]?.kill()
      // The others go on without it, also if it held the lock.
      await reports.more(LINES)
      running[victim] = new Sharer(folder, `n${victim}`, reports)
    }
    await reports.more(LINES)
    await Promise.all(running.map((sharer) => sharer.end()))

    const store = await openLmdbStore({ folder, shared: true })
    let messages = 0
    for (let q = 0; q < QUEUES; q++) messages += await expectComplete(store, q, reports)
    expect((await store.counts()).messages).toBe(messages)
    expectEpochs(reports)

    // Whoever ended, in whatever way, is subscribed to nothing; what is left of it can be swept.
    expect(await store.enqueue(rid(0), message(1), { quota: 1e9 })).not.toHaveProperty("owner")
    expect(store.subscriptions).toBe(QUEUES)
    const first = await store.sweepSubscriptions({ limit: 3 })
    expect(first.removed).toBe(3)
    expect(await store.sweepSubscriptions({ limit: 3, ...first })).toEqual({ removed: 1 })
    expect(store.subscriptions).toBe(0)
    await store.close()
  })

  it("shows at once what another process committed, also in the middle of a turn", async () => {
    const folder = await newFolder()
    const store = await openLmdbStore({ folder, shared: true })
    await store.createQueue(queue(1))
    const before = store.queueInfo(rid(1))
    // Nothing else runs in this process meanwhile, not even a timer.
    const { status } = spawnSync(process.execPath, [join(children, "one-message.ts"), folder], { stdio: "inherit" })
    const after = store.queueInfo(rid(1))
    expect([status, (await before).size, (await after).size]).toEqual([0, 0, 1])
    expect((await store.counts()).messages).toBe(1)
    await store.close()
  })

  it("knows the subscriptions of other processes, until those end", async () => {
    const folder = await newFolder()
    const [here, there] = [await openLmdbStore({ folder, shared: true }), await openLmdbStore({ folder, shared: true })]
    await here.createQueue(queue(1))
    const first = accepted((await here.subscribe([{ recipientId: rid(1) }], "here"))[0])
    const second = accepted((await there.subscribe([{ recipientId: rid(1) }], "there"))[0])
    expect(second).toMatchObject({ previousOwner: first.owner, owner: { node: "there" } })
    expect(second.owner.epoch).toBeGreaterThan(first.owner.epoch)
    expect(await here.enqueue(rid(1), message(1), QUOTA)).toMatchObject({ owner: second.owner })
    expect(await here.acknowledge(rid(1), message(1).id, first.owner)).toEqual({ result: "not-owner" })
    await there.close()
    expect(await here.enqueue(rid(1), message(2), QUOTA)).not.toHaveProperty("owner")
    const third = accepted((await here.subscribe([{ recipientId: rid(1) }], "here"))[0])
    expect(third.previousOwner).toBeUndefined()
    expect(third.owner.epoch).toBeGreaterThan(second.owner.epoch)
    expect(await here.sweepSubscriptions({ limit: 10 })).toEqual({ removed: 0 })
    await here.close()
  })

  it("keeps nothing for what a killed process was reading", async () => {
    const folder = await newFolder()
    const store = await openLmdbStore({ folder, shared: true })
    await store.createQueue(queue(1))
    // Opening clears up, too: it comes first here.
    const environment = open({ path: folder, noSubdir: false })
    const readers = (): number => environment.readerList().trim().split("\n").length
    const before = readers()
    // It is killed by itself, in the middle of a turn in which it has read.
    const { signal } = spawnSync(process.execPath, [join(children, "reader.ts"), folder], { stdio: "inherit" })
    expect([signal, readers()]).toEqual(["SIGKILL", before + 1])
    await store.sweepSubscriptions({ limit: 10 })
    expect(readers()).toBe(before)
    await environment.close()
    await store.close()
  })

  it("has no subscriptions to sweep when it is not shared", async () => {
    const store = await openLmdbStore({ folder: await newFolder() })
    expect(await store.sweepSubscriptions({ limit: 10 })).toEqual({ removed: 0 })
    await store.close()
  })
})

/** What all processes said. */
class Reports {
  readonly sent = new Map<number, Set<number>>()
  readonly acking = new Map<number, Set<number>>()
  readonly acked = new Map<number, number[]>()
  readonly taken: { readonly q: number; readonly epoch: number; readonly previous: number }[] = []
  #lines = 0
  #wake: (() => void) | undefined

  note(line: string): void {
    const [word, ...fields] = line.split(" ")
    const [q = 0, n = 0] = fields.map(Number)
    if (word === "sent") setOf(this.sent, q).add(n)
    else if (word === "acking") setOf(this.acking, q).add(n)
    else if (word === "acked") this.acked.set(q, [...(this.acked.get(q) ?? []), n])
    else if (word === "taken") this.taken.push({ q, epoch: n, previous: Number(fields[3]) })
    this.#lines++
    this.#wake?.()
  }

  /** Resolves after so many further lines. */
  async more(lines: number): Promise<void> {
    const until = this.#lines + lines
    while (this.#lines < until) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }
}

function setOf(sets: Map<number, Set<number>>, q: number): Set<number> {
  const set = sets.get(q) ?? new Set()
  sets.set(q, set)
  return set
}

/** One of the processes. */
class Sharer {
  readonly #child
  readonly #closed

  constructor(folder: string, name: string, reports: Reports) {
    this.#child = spawn(process.execPath, [join(children, "sharer.ts"), folder, name, String(QUEUES)], {
      stdio: ["pipe", "pipe", "inherit"],
    })
    let rest = ""
    this.#child.stdout.setEncoding("latin1").on("data", (text: string) => {
      const lines = `${rest}${text}`.split("\n")
      rest = lines.pop() ?? ""
      for (const line of lines) reports.note(line)
    })
    this.#closed = once(this.#child, "close") as Promise<[number | null, string | null]>
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL")
    expect((await this.#closed)[1]).toBe("SIGKILL")
  }

  async end(): Promise<void> {
    this.#child.stdin.end()
    const [code] = await Promise.race([this.#closed, wait(20_000, ["did not end"] as const, { ref: false })])
    expect(code).toBe(0)
  }
}

/** Everything confirmed is there once and in order, what was acknowledged is gone. Returns the number of messages. */
async function expectComplete(store: LmdbStore, q: number, reports: Reports): Promise<number> {
  const stored = (await store.messages(rid(q))).map(({ timestamp }) => timestamp)
  const there = new Set(stored)
  expect(there.size).toBe(stored.length)
  const acked = reports.acked.get(q) ?? []
  expect(new Set(acked).size).toBe(acked.length)
  expect(acked.filter((n) => there.has(n))).toEqual([])
  const maybeGone = setOf(reports.acking, q)
  expect([...setOf(reports.sent, q)].filter((n) => !there.has(n) && !maybeGone.has(n))).toEqual([])
  // Each process's own messages are in the order of sending.
  for (const process of new Set(stored.map(processOf))) {
    const own = stored.filter((n) => processOf(n) === process)
    expect(own).toEqual(own.toSorted((a, b) => a - b))
  }
  expect(acked.length).toBeGreaterThan(20)
  return stored.length
}

function processOf(n: number): number {
  return Math.floor(n / 1_000_000)
}

/** No epoch was given twice, and each is greater than that of the subscription before. */
function expectEpochs({ taken }: Reports): void {
  expect(taken.length).toBeGreaterThan(50)
  expect(new Set(taken.map(({ epoch }) => epoch)).size).toBe(taken.length)
  for (const { epoch, previous } of taken) expect(epoch).toBeGreaterThan(previous)
  // Subscriptions went from process to process.
  expect(taken.filter(({ previous }) => previous > 0).length).toBeGreaterThan(20)
}
