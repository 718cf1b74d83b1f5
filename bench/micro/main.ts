// The unavoidable operations of a message's way through the relay, each beside what the library alone can do:
// `npm run bench:micro`. Times are microseconds, median and spread; for the store CPU time of the process.
import { cpus } from "node:os"
import { nativeCrypto } from "@sluice/crypto/native"
import { CEILINGS } from "./ceilings.ts"
import { cryptoLines, type Line } from "./crypto.ts"
import { storeLines } from "./store.ts"

console.log(`${cpus()[0]?.model}, ${cpus().length} cores, Node ${process.version}\n`)
console.log(row("operation", "here", "spread", "ceiling", "ratio"))
for (const line of cryptoLines(nativeCrypto)) print(line)
for (const line of await storeLines()) print(line)

function print({ name, figure, ceiling }: Line): void {
  const { median, low, high } = figure
  const limit = CEILINGS[ceiling]
  const spread = `${low.toFixed(1)}..${high.toFixed(1)}`
  console.log(row(name, median.toFixed(1), spread, `${limit} (${ceiling})`, `${(median / limit).toFixed(2)}x`))
}

function row(name: string, here: string, spread: string, ceiling: string, ratio: string): string {
  return `${name.padEnd(42)} ${here.padStart(7)} ${spread.padStart(14)}   ${ratio.padStart(6)}   ${ceiling}`
}
