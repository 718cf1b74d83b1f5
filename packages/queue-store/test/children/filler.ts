/**
 * A process with a limit on the size of its files that sends messages until the store is full, then makes room. Prints
 * one line of JSON about what happened. Argument: folder.
 */
import { openLmdbStore } from "../../src/lmdb/lmdb-store.ts"
import type { StoreError } from "../../src/store-error.ts"
import { message, mid, queue, rid } from "../fixtures.ts"

const BODY = new Uint8Array(16_000)
const [folder = ""] = process.argv.slice(2)
const store = await openLmdbStore({ folder })
await store.createQueue(queue(1))
await store.enqueue(rid(1), message(0), { quota: 1 })

const stored: number[] = []
const problems = new Set<string>()
let acknowledged: unknown
for (let round = 0; problems.size === 0; round++) {
  const sent = Array.from({ length: 64 }, async (_, i) => {
    const n = 1 + 64 * round + i
    await store.enqueue(rid(1), message(n, { body: BODY }), { quota: 100_000 }).then(
      () => stored.push(n),
      (error: StoreError) => problems.add(error.problem.code),
    )
  })
  // In the same group as the last messages: it needs no room and must not fail with them.
  const reading = round % 2 === 0 ? store.acknowledge(rid(1), mid(0)) : store.touch([rid(1)], 86_400)
  await Promise.all([...sent, reading])
}
const size = (await store.queueInfo(rid(1))).size

for (const n of stored.slice(0, 100)) acknowledged = await store.acknowledge(rid(1), mid(n))
const again = await Promise.all(
  Array.from({ length: 50 }, (_, i) => store.enqueue(rid(1), message(9000 + i, { body: BODY }), { quota: 100_000 })),
)
await store.check()
await store.close()

console.log(
  JSON.stringify({
    stored: stored.length,
    size,
    problems: [...problems],
    acknowledged: (acknowledged as { result?: string }).result,
    again: again.filter(({ result }) => result === "stored").length,
  }),
)
