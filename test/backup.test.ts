import { cp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as wait } from "node:timers/promises"
import { nativeCrypto } from "@sluice/crypto/native"
import { fromUtf8, utf8 } from "@sluice/encoding/bytes"
import { parseServerAddress, type ServerAddress } from "@sluice/encoding/server-address"
import { SmpClient } from "@sluice/smp-client/client"
import { SmpClientError } from "@sluice/smp-client/client-error"
import type { CreatedNotifier, CreatedQueue, SenderQueue } from "@sluice/smp-client/queue-types"
import { expect, test } from "vitest"
import { type Running, sluice, start, temporaryFolder } from "../packages/cli/test/sluice.ts"
import { freePort } from "../packages/redis/test/start-redis.ts"
import { TestDevice, TestNotifications } from "./support/notifications.ts"

const OPTIONS = { patience: "interactive", backoff: { initialMs: 20, maxMs: 100, stableMs: 0 } } as const
const QUEUES = 8
/** Messages that are under way before the backup begins, and after the restore; of all queues. */
const ENOUGH = 400

/** A queue, one client that sends numbers to it, one that receives them, and one that is told of them. */
class Talk implements AsyncDisposable {
  /** Numbers that were answered OK, and how many of them before the present time. */
  readonly stored: number[] = []
  readonly received: number[] = []
  notified = 0
  problems: string[] = []
  readonly #clients: readonly SmpClient[]
  readonly #queue: CreatedQueue
  readonly #sending: SenderQueue
  readonly #work: Promise<void>
  readonly #acknowledging = new Set<Promise<void>>()
  #next = 0
  #stopped = false

  private constructor(clients: readonly [SmpClient, SmpClient, SmpClient], queue: CreatedQueue, sending: SenderQueue) {
    const [sender, recipient, subscriber] = clients
    this.#clients = clients
    this.#queue = queue
    this.#sending = sending
    recipient.events.on("message", ({ msgId, ...rest }) => {
      const work = this.#receive(recipient, { msgId, ...rest })
      this.#acknowledging.add(work)
      work.catch((error: unknown) => this.problems.push(String(error))).finally(() => this.#acknowledging.delete(work))
    })
    subscriber.events.on("notification", () => this.notified++)
    this.#work = this.#send(sender).catch((error: unknown) => void this.problems.push(String(error)))
  }

  static async start(address: ServerAddress): Promise<Talk> {
    const clients = [1, 2, 3].map(() => new SmpClient(address, OPTIONS)) as [SmpClient, SmpClient, SmpClient]
    const [sender, recipient, subscriber] = clients
    const queue = await recipient.createQueue()
    const keys = nativeCrypto.generateKeyPair("ed25519")
    await sender.secureAsSender({ senderId: queue.senderId }, keys)
    const notifier: CreatedNotifier = await recipient.enableNotifications(queue)
    await subscriber.subscribeNotifier(notifier)
    return new Talk(clients, queue, { senderId: queue.senderId, senderKey: keys.privateKey })
  }

  /** Stops sending and waits until the queue is empty. */
  async finish(): Promise<void> {
    this.#stopped = true
    await this.#work
    const [, recipient] = this.#clients
    while (recipient !== undefined) {
      await Promise.allSettled(this.#acknowledging)
      if ((await recipient.queueInfo(this.#queue)).size === 0) return
      await wait(10)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#clients.map((client) => client.close()))
  }

  async #send(sender: SmpClient): Promise<void> {
    while (!this.#stopped) {
      const number = this.#next++
      try {
        await sender.sendMessage(this.#sending, utf8(String(number)), { notify: true })
        this.stored.push(number)
      } catch (error) {
        if (!(error instanceof SmpClientError) || !(error.network || error.answer?.type === "QUOTA")) throw error
        await wait(10)
      }
    }
  }

  async #receive(recipient: SmpClient, message: Parameters<SmpClient["decryptDelivered"]>[1]): Promise<void> {
    const content = recipient.decryptDelivered(this.#queue, message)
    if (content === undefined) this.problems.push("does not decrypt")
    if (content?.kind === "message") this.received.push(Number(fromUtf8(content.body)))
    try {
      const next = await recipient.acknowledge(this.#queue, message.msgId)
      if (next !== undefined) await this.#receive(recipient, next)
    } catch (error) {
      // It comes again, or came again already, on the next connection.
      if (error instanceof SmpClientError && (error.network || error.answer?.type === "NO_MSG")) return
      throw error
    }
  }
}

/** A queue whose messages a notification server hears of and pushes to a device. */
async function pushedQueue(address: ServerAddress, ntf: TestNotifications) {
  const device = await TestDevice.verified(await ntf.connect(), ntf.push)
  const client = new SmpClient(address, OPTIONS)
  const queue = await client.createQueue({ subscribe: false, notifier: true })
  const { notifierId, notifierKey } = queue.notifier ?? expect.unreachable()
  const { hosts, port, keyHash } = address
  const asked = { queue: { server: { hosts, port, keyHash }, notifierId }, notifierKey }
  const id = await device.connection.subscribe(device.access, asked)
  return {
    /** Sends a message as soon as the server is subscribed, and resolves when the device was pushed for it. */
    async arrives(): Promise<void> {
      const active = async () => (await device.connection.checkSubscription(id, device.access.key)).type === "ACTIVE"
      while (!(await active())) await wait(20)
      await client.sendMessage(queue, utf8("x"), { notify: true })
      const pushed = device.list(await ntf.push.next()).map((entry) => entry.queue.notifierId)
      expect(pushed).toEqual([notifierId])
    },
    [Symbol.asyncDispose]: () => client.close(),
  }
}

/** Waits until so many messages more have arrived, and everybody was told of one. */
async function until(talks: readonly Talk[], more: number): Promise<void> {
  const received = (): number => talks.reduce((sum, talk) => sum + talk.received.length, 0)
  const told = talks.map(({ notified }) => notified)
  const silent = (): boolean => talks.some(({ notified }, i) => notified === told[i])
  for (const goal = received() + more; received() < goal || silent(); ) {
    const problems = talks.flatMap((talk) => talk.problems)
    if (problems.length > 0) throw new Error(problems.join(", "))
    await wait(10)
  }
}

test("a backup under load, restored elsewhere, serves the same clients at the same address", {
  timeout: 120_000,
}, async () => {
  await using folder = await temporaryFolder()
  const [old, copy, fresh] = ["old", "copy", "new"].map((name) => join(folder.path, name)) as [string, string, string]
  const port = String(await freePort())
  const env = {
    SLUICE_ADMIN_PORT: "0",
    SLUICE_ADMIN_TOKEN: "a-token-for-this-test-0123456789",
    SLUICE_RELAY_NOTIFICATION_INTERVAL: "20ms",
  }
  const run = (data: string, ...args: string[]) => sluice(["--data", data, ...args], { env })
  const serve = async (data: string): Promise<Running> => {
    const relay = start(["--data", data, "relay"], { env })
    await relay.said(/"message":"started"/)
    return relay
  }
  expect((await run(old, "init", "--host", "127.0.0.1", "--port", port)).code).toBe(0)
  const address = (await run(old, "address")).stdout.trim()
  const first = await serve(old)
  const talks = await Promise.all(
    Array.from({ length: QUEUES }, () => Talk.start(parseServerAddress(address, { scheme: "smp" }))),
  )
  await using ntf = await TestNotifications.start()
  await using pushed = await pushedQueue(parseServerAddress(address, { scheme: "smp" }), ntf)
  await pushed.arrives()
  await until(talks, ENOUGH)

  const before = talks.map(({ stored }) => stored.length)
  const taken = await run(old, "backup", copy, "--json")
  expect(taken).toMatchObject({ code: 0 })
  const backup = JSON.parse(taken.stdout) as Record<string, number>
  // The old machine is lost in the moment when the backup is done.
  first.child.kill("SIGKILL")
  await first.ended
  const lost = {
    stored: talks.map(({ stored }) => stored.length),
    received: talks.map(({ received }) => received.length),
  }
  expect(backup).toMatchObject({ queues: QUEUES + 1, notifiers: QUEUES + 1 })
  await expectPrivate(copy)

  const restored = await run(fresh, "restore", copy, "--json")
  expect(restored).toMatchObject({ code: 0, stdout: taken.stdout })
  expect((await run(fresh, "address")).stdout.trim()).toBe(address)
  const second = await serve(fresh)
  // The push server subscribes again by itself, and pushes.
  await pushed.arrives()
  // Those who were told of messages are told again: their subscriptions and keys came along.
  await until(talks, ENOUGH)
  for (const talk of talks) await talk.finish()
  second.child.kill("SIGTERM")
  expect((await second.ended).code).toBe(0)

  const counts = { stored: 0, received: 0, lost: 0, twice: 0, afterwards: 0 }
  for (const [i, { stored, received, problems }] of talks.entries()) {
    const [safe = 0, known = 0, seen = 0] = [before[i], lost.stored[i], lost.received[i]]
    const got = new Set(received)
    expect(problems).toEqual([])
    // What was answered before the backup began, or by the new relay, arrives. Between the two it may have been lost.
    expect([...stored.slice(0, safe), ...stored.slice(known)].filter((number) => !got.has(number))).toEqual([])
    // In order, on the old machine and on the new one.
    for (const part of [received.slice(0, seen), received.slice(seen)])
      expect(part).toEqual(part.toSorted((a, b) => a - b))
    counts.stored += stored.length
    counts.received += got.size
    counts.lost += stored.slice(safe, known).filter((number) => !got.has(number)).length
    counts.twice += received.length - got.size
    counts.afterwards += stored.length - known
  }
  console.log(`backup → restore → same clients, under load: ${JSON.stringify({ backup, ...counts })}`)
  expect(counts.afterwards).toBeGreaterThan(ENOUGH / 2)
  await Promise.all(talks.map((talk) => talk[Symbol.asyncDispose]()))
})

test("a restore is refused over another relay, from a damaged backup, and goes on where it was killed", {
  timeout: 60_000,
}, async () => {
  await using folder = await temporaryFolder()
  const [old, copy, fresh] = ["old", "copy", "new"].map((name) => join(folder.path, name)) as [string, string, string]
  const run = (data: string, ...args: string[]) => sluice(["--data", data, ...args])
  expect((await run(old, "backup", copy)).stderr).toMatch(/there is no relay/)
  expect((await run(old, "init", "--port", "0")).code).toBe(0)
  // A notification server at work beside it.
  expect((await run(old, "notifications", "init", "--host", "localhost")).code).toBe(0)
  const env = { SLUICE_NOTIFICATIONS_PORT: "0", SLUICE_ADMIN_PORT: "0" }
  const server = start(["--data", old, "notifications"], { env })
  await server.said(/"message":"started"/)
  expect((await run(old, "backup", copy, "--no-ca-key")).code).toBe(0)
  server.child.kill("SIGTERM")
  expect((await server.ended).code).toBe(0)
  const parts = ["backup.json", "identity", "notifications-identity", "notifications-store", "sluice.toml"]
  expect((await readdir(copy)).sort()).toEqual(parts)
  expect(await readdir(join(copy, "identity"))).not.toContain("ca.key")
  expect(await run(old, "backup", copy)).toMatchObject({ code: 2, stderr: expect.stringContaining("is there already") })
  expect(await run(old, "restore", copy)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("is there already"),
  })
  expect(await run(fresh, "restore", old)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("is not a backup"),
  })

  const damaged = join(folder.path, "damaged")
  await cp(copy, damaged, { recursive: true })
  await writeFile(join(damaged, "identity", "server.crt"), "something else")
  expect(await run(fresh, "restore", damaged)).toMatchObject({ code: 2, stderr: expect.stringContaining("server.crt") })
  await expect(stat(fresh)).rejects.toThrow("ENOENT")

  expect((await run(fresh, "restore", copy)).code).toBe(0)
  // As if it had been killed between the first part and the last.
  await rm(join(fresh, "identity"), { recursive: true })
  await writeFile(join(fresh, "restoring.json"), "{}\n")
  expect((await run(fresh, "relay")).code).toBe(2)
  expect((await run(fresh, "restore", copy)).code).toBe(0)
  const of = async (data: string) => (await readFile(join(data, "identity", "server.crt"))).toString()
  expect(await of(fresh)).toBe(await of(old))
  await expectPrivate(fresh)
})

async function expectPrivate(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    expect((await stat(join(entry.parentPath, entry.name))).mode & 0o077).toBe(0)
  }
  expect((await stat(folder)).mode & 0o777).toBe(0o700)
}
