// The unavoidable operations of a message's way through the relay, each beside what the library alone can do:
// `npm run bench:micro`. Times are microseconds, median and spread; for the store CPU time of the process.
import { cpus } from "node:os"
import { nativeCrypto } from "@sluice/crypto/native"
import { CEILINGS } from "./ceilings.ts"
import { cryptoLines, type Line } from "./crypto.ts"
import { storeLines } from "./store.ts"
import { tlsLine } from "./tls.ts"

console.log(`${cpus()[0]?.model}, ${cpus().length} cores, Node ${process.version}\n`)
console.log(row("operation", "here", "spread", "ceiling", "ratio"))
const medians = new Map<string, number>()
for (const line of cryptoLines(nativeCrypto)) print(line)
for (const line of await storeLines()) print(line)
print(await tlsLine())

/** What a delivered and acknowledged message cannot do without: SEND, OK, MSG, ACK, OK over two connections. */
const MESSAGE: readonly (readonly [times: number, name: string])[] = [
  [2.5, "TLS: a block in and a block out"],
  [2, "block: step the chain, decrypt, un-pad"],
  [3, "block: step the chain, pad, encrypt"],
  [1, "NaCl box of a delivered body"],
  [1, "authorization of a SEND of 16 KB, key kept"],
  [1, "authorization: X25519, box key kept"],
  [2, "store: look up a queue"],
  [1, "store: enqueue 16 KB, durable"],
  [1, "store: acknowledge"],
]
let sum = 0
for (const [times, name] of MESSAGE) sum += times * (medians.get(name) ?? Number.NaN)
console.log(
  `\na message, X25519, with block encryption: ${sum.toFixed(0)} µs; 1.3 times as much is ${(1.3 * sum).toFixed(0)}`,
)

function print({ name, figure, ceiling }: Line): void {
  const { median, low, high } = figure
  medians.set(name, median)
  const limit = CEILINGS[ceiling]
  const spread = `${low.toFixed(1)}..${high.toFixed(1)}`
  console.log(row(name, median.toFixed(1), spread, `${limit} (${ceiling})`, `${(median / limit).toFixed(2)}x`))
}

function row(name: string, here: string, spread: string, ceiling: string, ratio: string): string {
  return `${name.padEnd(42)} ${here.padStart(7)} ${spread.padStart(14)}   ${ratio.padStart(6)}   ${ceiling}`
}
