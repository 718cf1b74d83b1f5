import type { CryptoBackend } from "@sluice/crypto/backend"
import { equalPublicKeys } from "@sluice/crypto/keys"
import { nativeCrypto } from "@sluice/crypto/native"
import type { Command } from "@sluice/smp-protocol/commands"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { AUTH, type AuthAlgorithm, authKeys, createQueue } from "../support/queue.ts"
import type { RawClient } from "../support/raw-client.ts"
import { TestRelay } from "../support/relay.ts"
import type { Who } from "../support/sending.ts"
import { message, secure } from "../support/steps.ts"

/**
 * smp.md §10.6: a wrong key costs the same time whether the queue exists or not, so that nobody can ask for queues.
 *
 * Both questions are put in alternation, the one first now and the other then, so that whatever else the machine does
 * falls on both; the medians are compared. The bounds are the reference's own (30 %), though the median of the ratio is
 * within some per cent of 1 here. As other work may still sit on one of them, a comparison that fails is repeated with as
 * many tries again: an honest difference remains, noise does not.
 */
let relay: TestRelay
let client: RawClient
beforeAll(async () => {
  relay = await TestRelay.start()
  client = await relay.connect({ versions: 7 })
})
afterAll(() => relay[Symbol.asyncDispose]())

/** Algorithm of the queue's key, and of the key that is used instead. */
const PAIRS: readonly (readonly [AuthAlgorithm, AuthAlgorithm])[] = [
  ["ed25519", "ed25519"],
  ["ed448", "ed25519"],
  ["ed448", "ed448"],
  ["ed448", "x25519"],
  ["x25519", "ed25519"],
  ["x25519", "ed448"],
  ["x25519", "x25519"],
]

const TRIES = 160
const WARM_UP = 20
const ROUNDS = 3
/** Longer over shorter median. */
const BOUND = 1.3

/** Commands in one block: verifications are nearly all of its time then, so that a missing one can't hide in the rest. */
const PER_BLOCK = 30
const BLOCKS = 30

describe.each(PAIRS)("case 51: a queue of %s, a key of %s", (ofQueue, used) => {
  const ask = { SUB: { tag: "SUB" }, SEND: message("hello") } as const

  test.each(["SUB", "SEND"] as const)("%s", async (tag) => {
    const queue = await createQueue(client, { keys: authKeys(ofQueue), subscription: "create-only" })
    await secure(client, queue, authKeys(ofQueue))
    const exists = tag === "SUB" ? queue.ids.recipientId : queue.ids.senderId
    const { privateKey: key } = authKeys(used)

    const one = async (entity: Uint8Array): Promise<void> => {
      expect(await client.ask(ask[tag], { entity, key })).toEqual(AUTH)
    }
    const single = await compare(TRIES, one, exists)
    const many = (entity: Uint8Array): Promise<void> => askMany(client, ask[tag], { entity, key })
    const together = await compare(BLOCKS, many, exists)
    console.log(`timing: ${ofQueue}, ${used}, ${tag}: ${ratio(single)}, in blocks of ${PER_BLOCK} ${ratio(together)}`)
    expect(Math.max(single, 1 / single)).toBeLessThan(BOUND)
    expect(Math.max(together, 1 / together)).toBeLessThan(BOUND)
  })
})

test("a relay that does not verify for queues that it does not know would be found out", async () => {
  const keys = authKeys()
  // The certificates are verified when it starts.
  let verifiesAll = true
  const crypto: CryptoBackend = {
    ...nativeCrypto,
    verify: (key, signed, signature) =>
      (verifiesAll || equalPublicKeys(key, keys.publicKey)) && nativeCrypto.verify(key, signed, signature),
  }
  await using careless = await TestRelay.start({ crypto })
  verifiesAll = false
  const other = await careless.connect({ versions: 7 })
  const queue = await createQueue(other, { keys, subscription: "create-only" })
  const { privateKey: key } = authKeys()
  const result = await compare(
    BLOCKS,
    (entity) => askMany(other, { tag: "SUB" }, { entity, key }),
    queue.ids.recipientId,
  )
  console.log(`timing: without the work ${ratio(result)}`)
  expect(result).toBeGreaterThan(BOUND)
})

/** The same command many times in one block. */
async function askMany(by: RawClient, command: Command, who: Who): Promise<void> {
  by.send(...Array.from({ length: PER_BLOCK }, () => ({ command, ...who })))
  const answers = await by.block()
  expect(answers).toHaveLength(PER_BLOCK)
}

/** Median time with the queue that exists over that with one that does not. */
async function compare(tries: number, run: (entity: Uint8Array) => Promise<void>, exists: Uint8Array): Promise<number> {
  const unknown = nativeCrypto.randomBytes(24)
  const times = { exists: [] as number[], unknown: [] as number[] }
  const timed = async (which: keyof typeof times): Promise<void> => {
    const begun = performance.now()
    await run(which === "exists" ? exists : unknown)
    times[which].push(performance.now() - begun)
  }
  for (let i = 0; i < WARM_UP; i++) await run(i % 2 === 0 ? exists : unknown)
  let result = 1
  for (let round = 0; round < ROUNDS; round++) {
    for (let i = 0; i < tries; i++) {
      await timed(i % 2 === 0 ? "exists" : "unknown")
      await timed(i % 2 === 0 ? "unknown" : "exists")
    }
    result = median(times.exists) / median(times.unknown)
    if (Math.max(result, 1 / result) < BOUND) break
  }
  return result
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

function ratio(value: number): string {
  return value.toFixed(3)
}
