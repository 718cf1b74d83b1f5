/**
 * Sends message pushes of 4310 bytes to one server in two ways, in turns: through this package's provider, and through
 * `@parse/node-apn`, which is looked for in a folder of its own so that nobody else has to install it:
 *
 *     npm install --prefix <folder> @parse/node-apn@8.1.0
 *     node packages/push/bench/apns.ts <folder>
 *
 * Printed are medians and spread of pushes a second, CPU time of the client for each, and time to the answer; then how many
 * of some thousand pushes fail while the server gives its connections up by GOAWAY again and again.
 */
import { fork } from "node:child_process"
import { generateKeyPairSync } from "node:crypto"
import { once } from "node:events"
import { createRequire } from "node:module"
import { cpus } from "node:os"
import { join, resolve } from "node:path"
import { jwsKeyFromPem } from "@sluice/crypto/native/jws"
import { apnsPayload } from "../src/apns-payload.ts"
import { ApnsProvider } from "../src/apns-provider.ts"
import type { PushNotification } from "../src/provider.ts"

const ROUNDS = 7
const PUSHES = 2_000
const CONCURRENCY = 100
const DEVICE = "27c078f2c5665fc246a0ccbf926b5fb4365b7aa9a50d605f6714762a37d4ca05"
const TOPIC = "chat.simplex.app"

/** Makes one push; tells whether it was taken. */
type Push = (device: string) => Promise<boolean>

interface Result {
  readonly perSecond: number
  readonly cpu: number
  readonly p99: number
  readonly failed: number
}

const content = { nonce: new Uint8Array(24).fill(1), ciphertext: new Uint8Array(3088).fill(2) }
const message: PushNotification = { kind: "message", seal: () => content }

const child = fork(join(import.meta.dirname, "service.ts"))
const [{ origin, ca }] = (await once(child, "message")) as [{ origin: string; ca: string }]
const pem = generateKeyPairSync("ec", { namedCurve: "P-256" })
  .privateKey.export({ type: "pkcs8", format: "pem" })
  .toString()
const identity = { keyId: "KEYID12345", teamId: "TEAMID1234" }

const own = new ApnsProvider({ origin, ca, key: jwsKeyFromPem("ES256", pem), topic: TOPIC, ...identity })
const ways = new Map<string, Push>([["this package", pushOwn]])
const rivalFolder = process.argv[2]
const rival = rivalFolder === undefined ? undefined : loadRival(resolve(rivalFolder))
if (rival !== undefined) ways.set("@parse/node-apn", rival.push)

async function pushOwn(token: string): Promise<boolean> {
  const { outcome } = await own.deliver({ kind: "apns", token }, message, new AbortController().signal)
  return outcome === "delivered"
}

function loadRival(folder: string): { push: Push; close: () => void } {
  const apn = createRequire(join(folder, "package.json"))("@parse/node-apn")
  const { hostname: address, port } = new URL(origin)
  const provider = new apn.Provider({
    token: { key: pem, ...identity },
    address,
    port: Number(port),
    ca,
    production: true,
  })
  const push = async (device: string): Promise<boolean> => {
    const note = new apn.Notification()
    note.topic = TOPIC
    note.pushType = "alert"
    // Encoding is part of the work in both.
    note.rawPayload = JSON.parse(apnsPayload("message", content).body)
    const { failed } = await provider.send(note, device)
    return failed.length === 0
  }
  return { push, close: () => provider.shutdown() }
}

async function measure(push: Push, device = DEVICE): Promise<Result> {
  const times: number[] = []
  const before = process.cpuUsage()
  const start = performance.now()
  let left = PUSHES
  let failed = 0
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      const begin = performance.now()
      if (!(await push(device))) failed++
      times.push(performance.now() - begin)
    }
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, worker))
  const seconds = (performance.now() - start) / 1000
  const { user, system } = process.cpuUsage(before)
  times.sort((a, b) => a - b)
  const p99 = times[Math.floor(PUSHES * 0.99)] ?? 0
  return { perSecond: PUSHES / seconds, cpu: (user + system) / PUSHES, p99, failed }
}

const results = new Map([...ways.keys()].map((name): [string, Result[]] => [name, []]))
for (let round = -1; round < ROUNDS; round++) {
  for (const [name, push] of ways) {
    const result = await measure(push)
    if (round >= 0) results.get(name)?.push(result) // the first round warms up
  }
}
console.log(
  `${cpus()[0]?.model}, Node ${process.version}; ${PUSHES} pushes, ${CONCURRENCY} at a time, ${ROUNDS} rounds`,
)
for (const [name, all] of results) {
  const column = (pick: (result: Result) => number, digits: number): string => {
    const sorted = all.map(pick).sort((a, b) => a - b)
    const [low, median, high] = [sorted[0], sorted[ROUNDS >> 1], sorted.at(-1)].map((value) => value?.toFixed(digits))
    return `${median} (${low}..${high})`
  }
  console.log(`  ${name.padEnd(16)} pushes/s ${column((r) => r.perSecond, 0)}`)
  console.log(`  ${"".padEnd(16)} CPU µs/push ${column((r) => r.cpu, 0)}`)
  console.log(`  ${"".padEnd(16)} p99 ms ${column((r) => r.p99, 1)}`)
  console.log(`  ${"".padEnd(16)} failed ${column((r) => r.failed, 0)}`)
}
console.log(`${PUSHES} pushes while every 200th is answered by GOAWAY`)
for (const [name, push] of ways) {
  const { failed } = await measure(push, "goaway")
  console.log(`  ${name.padEnd(16)} failed ${failed}`)
}
await own.close()
rival?.close()
child.disconnect()
