/**
 * A process that writes to a store until it is killed, and reports on its output what it starts and what was confirmed:
 * `create q`, `stored q n`, `acking q n`, `acked q n`, one a line. Arguments: folder, number of the first message.
 */
import { writeSync } from "node:fs"
import { openLmdbStore } from "../../src/lmdb/lmdb-store.ts"
import { message, mid, queue, rid } from "../fixtures.ts"

const QUEUES = 6
const [folder = "", first = "0"] = process.argv.slice(2)
const store = await openLmdbStore({ folder, groupLimit: 8 })

await Promise.all(Array.from({ length: QUEUES }, (_, q) => work(q)))

async function work(q: number): Promise<never> {
  const created = await store.createQueue(queue(q))
  if (created.created) report(`create ${q}`)
  for (let n = Number(first); ; n++) {
    const sent = store.enqueue(rid(q), message(n), { quota: 1_000_000 }).then(() => report(`stored ${q} ${n}`))
    // Mostly several operations at once on a queue, now and then one after the other.
    if (n % 5 === 0) await sent
    if (n % 3 === 0) await acknowledgeHead(q)
  }
}

async function acknowledgeHead(q: number): Promise<void> {
  const [{ head } = {}] = await store.peek([rid(q)])
  if (head === undefined) return
  const n = head.timestamp - 1000
  report(`acking ${q} ${n}`)
  const result = await store.acknowledge(rid(q), mid(n))
  if (result.result === "acknowledged" && result.removed !== undefined) report(`acked ${q} ${n}`)
}

function report(line: string): void {
  writeSync(1, `${line}\n`)
}
