/**
 * One of several processes on a shared store. Reports on its output what it starts and what was confirmed, one a line:
 * `sent q n`, `acking q n`, `acked q n`, `taken q epoch previous-node`. Arguments: folder, own name, number of queues.
 * Goes on until it is killed, or until its input ends: then it finishes what it began and closes the store.
 */
import { writeSync } from "node:fs"
import { openLmdbStore } from "../../src/lmdb/lmdb-store.ts"
import type { Owner } from "../../src/queue-store.ts"
import { accepted, id, message, queue, rid } from "../fixtures.ts"

const [folder = "", name = "", queues = "0"] = process.argv.slice(2)
/** Numbers of messages: no two processes, and no two lives of one, send the same. */
const FIRST = Number(process.pid) * 1_000_000
let stopping = false
process.stdin.on("end", () => {
  stopping = true
})
process.stdin.resume()

const store = await openLmdbStore({ folder, shared: true, groupLimit: 16 })
report("ready")
await Promise.all(Array.from({ length: Number(queues) }, (_, q) => work(q)))
await store.close()

async function work(q: number): Promise<void> {
  // All processes make the same queues; one of them is first.
  await store.createQueue(queue(q))
  let owner: Owner | undefined
  for (let n = FIRST; !stopping; n++) {
    const body = message(n % 1000, { id: id(`m${q}`, n), timestamp: n })
    const sent = store.enqueue(rid(q), body, { quota: 1_000_000 }).then(() => report(`sent ${q} ${n}`))
    if (n % 3 === 0) await sent
    if (q === 0 && n % 50 === 0) await store.trim()
    if (n % 11 === 0 || owner === undefined) owner = await take(q)
    if (n % 2 === 0 && !(await acknowledgeHead(q, owner))) owner = undefined
  }
}

async function take(q: number): Promise<Owner> {
  const { owner, previousOwner } = accepted((await store.subscribe([{ recipientId: rid(q) }], name))[0])
  report(`taken ${q} ${owner.epoch} ${previousOwner?.node ?? "-"} ${previousOwner?.epoch ?? 0}`)
  return owner
}

/** Returns whether this process still has the subscription. */
async function acknowledgeHead(q: number, owner: Owner): Promise<boolean> {
  const [{ head } = {}] = await store.peek([rid(q)])
  if (head === undefined) return true
  report(`acking ${q} ${head.timestamp}`)
  const result = await store.acknowledge(rid(q), head.id, owner)
  if (result.result === "acknowledged" && result.removed !== undefined) report(`acked ${q} ${head.timestamp}`)
  return result.result === "acknowledged"
}

function report(line: string): void {
  writeSync(1, `${line}\n`)
}
