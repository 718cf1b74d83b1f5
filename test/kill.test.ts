import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { connect } from "@sluice/smp-client/connect"
import { expect, test } from "vitest"
import { Conversation } from "./support/kill-clients.ts"
import { QueueLedger, totals } from "./support/kill-ledger.ts"
import { RelayProcess } from "./support/kill-process.ts"
import { seededRandom, seedFrom } from "./support/seeded-random.ts"

const KILLS = 20
const QUEUES = 6
/** A process is killed this long after its start at the latest, or after it began to serve, ms. */
const LONGEST_START = 500
const LONGEST_SERVICE = 900
/** Every n-th process is killed without waiting until it serves; on a slow machine all are after this time, ms. */
const IMPATIENT = 5
const SLOW = 50_000
const MAX_BODY = 16_000

/**
 * The relay on LMDB loses nothing that it answered OK, and delivers nothing twice whose ACK it answered, however it ends.
 *
 * A process of its own is killed twenty times, with SIGKILL, at moments that the printed seed decides, while clients send,
 * receive and acknowledge; every fifth time it may be killed while it starts. The clients come back to the process that
 * follows, in the same folder and on the same port. A message whose answer the kill took away may be stored or not, once
 * at the most; one whose ACK was not answered may come again on a later connection. Per queue, the order is that of
 * sending. At the end one more kill in all quiet must not bring anything back.
 *
 * The operating system goes on: what this shows is that answers wait for their transaction, and that the file of the store
 * can be opened after any of its moments. That a transaction survives a power failure is LMDB's `fsync`, not tested here.
 *
 * `SLUICE_KILL_SEED` repeats a run, as far as time can be repeated.
 */
test(`a relay killed ${KILLS} times under load keeps what it answered OK`, { timeout: 90_000 }, async () => {
  const seed = seedFrom("SLUICE_KILL_SEED")
  const random = seededRandom(seed)
  const folder = await mkdtemp(join(tmpdir(), "sluice-kill-"))
  const relay = new RelayProcess(folder)
  try {
    relay.spawn()
    await relay.ready()
    const size = (): number => Math.floor(random() * MAX_BODY)
    const conversations = await Promise.all(
      Array.from({ length: QUEUES }, () => Conversation.start(relay.address, size)),
    )
    const sending = Promise.all(conversations.map((conversation) => conversation.send()))

    const begin = performance.now()
    let impatiently = 0
    for (let kill = 1; kill <= KILLS; kill++) {
      const impatient = kill % IMPATIENT === 0 || performance.now() - begin > SLOW
      if (impatient) impatiently++
      if (!impatient) await relay.ready()
      await Promise.race([setTimeout(random() * (impatient ? LONGEST_START : LONGEST_SERVICE)), sending])
      await relay.kill()
      relay.spawn()
    }
    await relay.ready()
    for (const conversation of conversations) conversation.stopSending()
    await sending
    await Promise.all(conversations.map((conversation) => conversation.drained()))
    await Promise.all(conversations.map((conversation) => conversation[Symbol.asyncDispose]()))

    const ledgers = conversations.map(({ ledger }) => ledger)
    for (const ledger of ledgers) ledger.close()
    const counts = totals(ledgers)
    console.log(`kill test: ${JSON.stringify({ seed, kills: relay.kills, impatiently, ...counts })}`)
    for (const { violations } of ledgers) expect(violations).toEqual([])
    expect(relay.kills).toBe(KILLS)
    expect(counts.answeredOk).toBeGreaterThan(KILLS * QUEUES)
    expect(counts.acknowledged).toBeGreaterThan(KILLS * QUEUES)

    await relay.kill()
    relay.spawn()
    await relay.ready()
    await using late = await connect(relay.address)
    for (const { queue } of conversations) expect(await late.getMessage(queue)).toBeUndefined()
    expect(relay.stderr).toBe("")
  } finally {
    await relay[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  }
})

test("the books of that test find what is lost, repeated, stored twice, out of order or made up", () => {
  const id = (byte: number): Uint8Array => new Uint8Array(24).fill(byte)
  const find = (run: (ledger: QueueLedger, first: Uint8Array, second: Uint8Array) => void): readonly string[] => {
    const ledger = new QueueLedger()
    const [first, second] = [ledger.next(10).body, ledger.next(20).body]
    for (const number of [0, 1]) ledger.answered(number, "ok")
    run(ledger, first, second)
    ledger.close()
    return ledger.violations
  }
  const receive = (ledger: QueueLedger, byte: number, body: Uint8Array, connection = 1): void => {
    ledger.delivered(id(byte), body, connection)
    ledger.acknowledged(id(byte))
  }
  const both = (ledger: QueueLedger, first: Uint8Array, second: Uint8Array): void => {
    receive(ledger, 1, first)
    receive(ledger, 2, second)
  }
  expect(find(both)).toEqual([])
  expect(find((ledger, first) => receive(ledger, 1, first))).toEqual(["answered OK and never delivered"])
  expect(
    find((ledger, first, second) => {
      ledger.delivered(id(1), first, 1)
      ledger.delivered(id(1), first, 2)
      ledger.acknowledged(id(1))
      receive(ledger, 2, second, 2)
    }),
  ).toEqual([])
  const again = "delivered again after its ACK was answered"
  const twice = "delivered twice on one connection"
  expect(find((ledger, ...bodies) => [both(ledger, ...bodies), ledger.delivered(id(1), bodies[0], 2)])).toEqual([again])
  expect(find((ledger, ...bodies) => [both(ledger, ...bodies), ledger.delivered(id(2), bodies[1], 1)])).toEqual([
    again,
    twice,
  ])
  expect(find((ledger, ...bodies) => [both(ledger, ...bodies), ledger.acknowledged(id(1))])).toEqual([
    "acknowledged twice",
  ])
  expect(find((ledger, first, second) => both(ledger, second, first))).toEqual(["delivered out of order"])
  expect(find((ledger, ...bodies) => [both(ledger, ...bodies), receive(ledger, 3, bodies[1])])).toEqual([
    "stored twice",
  ])
  const madeUp = "delivered what was never sent"
  expect(find((ledger, ...bodies) => [both(ledger, ...bodies), receive(ledger, 3, id(9))])).toEqual([madeUp])
  const refused = (ledger: QueueLedger, ...bodies: [Uint8Array, Uint8Array]): void => {
    ledger.answered(0, "refused")
    both(ledger, ...bodies)
  }
  expect(find(refused)).toEqual(["delivered though it was refused"])
})
