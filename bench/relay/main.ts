// The figures of docs/performance.md: every mode of the load generator against relays in processes of their own, the whole
// series three times, and the median of each figure. `npm run bench:relay`, about six minutes.
import { conditions, row } from "./medians.ts"
import { series } from "./series.ts"

const ROUNDS = Number(process.argv[2] ?? 3)

console.log(`${conditions()}\n`)
const rounds: ReadonlyMap<string, number>[] = []
for (let round = 1; round <= ROUNDS; round++) {
  const figures = new Map<string, number>()
  for await (const [name, value] of series()) figures.set(name, value)
  rounds.push(figures)
  console.error(`round ${round} of ${ROUNDS} done; ${conditions()}`)
}
console.log("| figure | median | three rounds |\n|---|---|---|")
for (const name of rounds[0]?.keys() ?? []) {
  const values = rounds.map((figures) => figures.get(name) ?? Number.NaN)
  console.log(row(name, values))
}
