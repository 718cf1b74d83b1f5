/**
 * Times what the hot path of a relay asks of this package, each beside an obvious other way:
 * `node packages/encoding/bench/encoding.ts`. Rivals run in turns; printed are median and spread in nanoseconds.
 */
import { cpus } from "node:os"
import { fromLatin1, idKey } from "../src/bytes.ts"
import { pad, unpad } from "../src/padding.ts"
import { Reader } from "../src/reader.ts"
import { encodeWith, Writer } from "../src/writer.ts"

const ROUNDS = 21
const RUNS_PER_ROUND = 50_000

/** Keeps results alive, so that the compiler cannot leave the work out. */
let sink = 0

type Job = () => number

function compare(title: string, jobs: Readonly<Record<string, Job>>): void {
  const times = new Map(Object.keys(jobs).map((name): [string, number[]] => [name, []]))
  for (let round = -2; round < ROUNDS; round++) {
    for (const [name, job] of Object.entries(jobs)) {
      const start = process.hrtime.bigint()
      for (let i = 0; i < RUNS_PER_ROUND; i++) sink += job()
      const each = Number(process.hrtime.bigint() - start) / RUNS_PER_ROUND
      if (round >= 0) times.get(name)?.push(each) // the first rounds warm up
    }
  }
  console.log(title)
  for (const [name, samples] of times) {
    samples.sort((a, b) => a - b)
    const [low, median, high] = [0.1, 0.5, 0.9].map((part) => samples[Math.floor(part * (ROUNDS - 1))] ?? 0)
    console.log(`  ${name.padEnd(38)} ${median?.toFixed(0).padStart(6)} ns  (${low?.toFixed(0)}..${high?.toFixed(0)})`)
  }
}

const id = new Uint8Array(24).map((_, i) => i * 7)
const signature = new Uint8Array(64).fill(9)
const body = new Uint8Array(16_064).fill(0x62)

/** A block with one SEND: count, length, authorization, session id, correlation id, entity id, command. */
const block = encodeWith((w) => {
  w.u8(1).largeOf((x) =>
    x.short(signature).short(id).short(id).short(id).ascii("SEND").space().bool(true).space().raw(body),
  )
}, 16_384)

function readWith(r: Reader): number {
  const count = r.u8("count")
  const inner = new Reader(r.large("transmission"))
  const sum = inner.short("auth").length + inner.short("session").length + inner.short("corrId").length
  return count + sum + inner.short("entityId").length + inner.takeUntil(0x20).length + inner.tail().length
}

function readByDataView(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  let at = 0
  const short = (): Uint8Array => {
    const length = view.getUint8(at)
    at += 1 + length
    return bytes.subarray(at - length, at)
  }
  const count = view.getUint8(at)
  at += 3
  const sum = short().length + short().length + short().length + short().length
  const space = bytes.indexOf(0x20, at)
  const tag = bytes.subarray(at, space)
  return count + sum + tag.length + bytes.subarray(space).length
}

compare("read a block with one SEND", {
  Reader: () => readWith(new Reader(block)),
  "DataView and subarray": () => readByDataView(block),
})

const OK = new Uint8Array([0x4f, 0x4b])

compare("write a reply of 77 bytes (ids and OK)", {
  "Writer, shared slab": () => new Writer().u8(0).short(id).short(id).short(id).ascii("OK").finish().length,
  "Writer, given buffer": () => new Writer(body).u8(0).short(id).short(id).short(id).ascii("OK").finish().length,
  "Uint8Array and set": () => {
    const bytes = new Uint8Array(78)
    bytes[1] = 24
    bytes.set(id, 2)
    bytes[26] = 24
    bytes.set(id, 27)
    bytes[51] = 24
    bytes.set(id, 52)
    bytes.set(OK, 76)
    return bytes.length
  },
  "array of numbers": () => Uint8Array.from([0, 24, ...id, 24, ...id, 24, ...id, ...OK]).length,
})

compare("key of a 24-byte id in a Map", {
  idKey: () => idKey(id).length,
  "fromCharCode(...id)": () => String.fromCharCode(...id).length,
  "hex of a Buffer": () => Buffer.from(id).toString("hex").length,
})

const message = body.subarray(0, 16_000)

compare("pad and unpad 16384 bytes", {
  "pad and unpad": () => unpad(pad(message, 16_384)).length,
  "pad, unpad with a copy": () => unpad(pad(message, 16_384)).slice().length,
})

compare("text of 16000 bytes", { fromLatin1: () => fromLatin1(message).length })

console.log(
  `Node ${process.version}, ${cpus()[0]?.model ?? "unknown processor"} (${sink > 0 ? "done" : "nothing done"})`,
)
