// The figures of docs/performance.md: every mode of the load generator against relays in processes of their own, the whole
// series three times, and the median of each figure. `npm run bench:relay`, about four minutes.
import { cpus, loadavg } from "node:os"
import { series } from "./series.ts"

const ROUNDS = 3

console.log(`${cpus()[0]?.model}, ${cpus().length} cores, Node ${process.version}, load ${load()}\n`)
const rounds: ReadonlyMap<string, number>[] = []
for (let round = 1; round <= ROUNDS; round++) {
  const figures = new Map<string, number>()
  for await (const [name, value] of series()) figures.set(name, value)
  rounds.push(figures)
  console.error(`round ${round} of ${ROUNDS} done, load ${load()}`)
}
console.log("| figure | median | three rounds |\n|---|---|---|")
for (const name of rounds[0]?.keys() ?? []) {
  const values = rounds.map((figures) => figures.get(name) ?? Number.NaN)
  const median = values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
  console.log(`| ${name} | ${shown(median)} | ${values.map(shown).join(", ")} |`)
}

function load(): string {
  return loadavg()
    .map((value) => value.toFixed(1))
    .join(" ")
}

function shown(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3)
}
