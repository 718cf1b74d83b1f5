// `sluice up --workers N`: several relay processes on one store, behind one port.

import { once } from "node:events"
import { createServer } from "node:net"
import { join } from "node:path"
import { setTimeout as wait } from "node:timers/promises"
import { idKey } from "@sluice/encoding/bytes"
import { parseServerAddress } from "@sluice/encoding/server-address"
import { SmpClient } from "@sluice/smp-client/client"
import { SmpClientError } from "@sluice/smp-client/client-error"
import type { CreatedQueue, ReceivedMessage } from "@sluice/smp-client/queue-types"
import { expect, it } from "vitest"
import { type Running, sluice, start, temporaryFolder } from "./sluice.ts"

const TOKEN = "0123456789abcdefghij0123456789ab"

interface Up extends AsyncDisposable {
  readonly env: Readonly<Record<string, string>>
  readonly running: Running
  /** Asks the server for operators. */
  get(path: string, method?: string): Promise<{ readonly status: number; readonly text: string }>
}

async function up(workers: number): Promise<Up> {
  const folder = await temporaryFolder()
  const env = {
    SLUICE_DATA: join(folder.path, "data"),
    SLUICE_RELAY_BIND: "127.0.0.1",
    SLUICE_RELAY_PORT: "0",
    SLUICE_ADMIN_PORT: "0",
    SLUICE_ADMIN_TOKEN: TOKEN,
  }
  const running = start(["up", "--workers", String(workers)], { env })
  const said = await running.said(/"service":"supervisor","message":"started"/)
  const [, port] = /"service":"supervisor","component":"admin","bind":"127.0.0.1:(\d+)"/.exec(said) ?? []
  return {
    env,
    running,
    async get(path, method = "GET") {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
        method,
        headers: { authorization: `Bearer ${TOKEN}` },
      })
      return { status: answer.status, text: await answer.text() }
    },
    async [Symbol.asyncDispose]() {
      running.child.kill("SIGTERM")
      await running.ended
      await folder[Symbol.asyncDispose]()
    },
  }
}

/** Process numbers of the members, as their own metrics tell when each began to run. */
async function lives(fleet: Up): Promise<Map<string, string>> {
  const { text } = await fleet.get("/metrics")
  return new Map(
    Array.from(text.matchAll(/^process_start_time_seconds\{worker="(\d+)"\} (.*)$/gm), (m) => [`${m[1]}`, `${m[2]}`]),
  )
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let i = 0; !(await holds()); i++) {
    if (i > 200) throw new Error("it did not come to that")
    await wait(50)
  }
}

it("serves one address with several processes, and ends with all of them", async () => {
  await using fleet = await up(2)
  const address = (await sluice(["address"], { env: fleet.env })).stdout.trim()
  const ping = await sluice(["ping", address, "--json"], { env: fleet.env })
  expect([ping.code, ping.stderr]).toEqual([0, ""])
  expect(await fleet.get("/readyz")).toEqual({ status: 200, text: '{"status":"ready"}' })
  expect([...(await lives(fleet)).keys()].toSorted()).toEqual(["0", "1"])
  const { text } = await fleet.get("/metrics")
  expect(text).toMatch(/^sluice_workers 2$/m)
  expect(text.match(/^# TYPE simplex_smp_queues_created /gm)).toHaveLength(1)
  expect(JSON.parse((await fleet.get("/admin/sessions")).text)).toMatchObject({ sessions: { total: 0 } })
  fleet.running.child.kill("SIGTERM")
  const { code, stderr } = await fleet.running.ended
  expect(code).toBe(0)
  for (const service of ["relay-0", "relay-1", "supervisor"]) {
    expect(stderr).toMatch(new RegExp(`"service":"${service}".*"message":"stopped"`))
  }
})

it("passes messages on between connections of different processes, and when those have died", async () => {
  await using fleet = await up(2)
  const printed = (await sluice(["address"], { env: fleet.env })).stdout.trim()
  const address = { ...parseServerAddress(printed), hosts: ["127.0.0.1"] }
  const options = { backoff: { initialMs: 20, maxMs: 100, stableMs: 0 } }
  const clients = Array.from({ length: 12 }, () => new SmpClient(address, options))
  const queues = await Promise.all(clients.map((client) => client.createQueue()))
  // The system deals connections out as it likes: both have some of twelve.
  const { text } = await fleet.get("/metrics")
  for (const worker of [0, 1])
    expect(text).toMatch(new RegExp(`^simplex_smp_queues_created\\{worker="${worker}"\\} [1-9]`, "m"))

  /** Each sends to all queues, and each receives what all have sent. */
  const everyPair = async (): Promise<void> => {
    const received = clients.map((client, i) => receiveAll(client, queues[i], clients.length))
    const bytes = new TextEncoder().encode("hello")
    for (const sender of clients) {
      await Promise.all(queues.map(({ senderId }) => retried(() => sender.sendMessage({ senderId }, bytes))))
    }
    await Promise.all(received)
  }
  await everyPair()
  for (const pid of await childrenOf(fleet.running.child.pid ?? 0)) {
    process.kill(pid, "SIGKILL")
    await until(async () => (await lives(fleet)).size === 2)
  }
  await everyPair()
  await Promise.all(clients.map((client) => client.close()))
})

it("starts a process again that died, while the other serves", async () => {
  await using fleet = await up(2)
  const before = await lives(fleet)
  const children = await childrenOf(fleet.running.child.pid ?? 0)
  expect(children).toHaveLength(2)
  for (const pid of children) {
    process.kill(pid, "SIGKILL")
    const address = (await sluice(["address"], { env: fleet.env })).stdout.trim()
    await until(async () => (await sluice(["ping", address, "--json"], { env: fleet.env })).code === 0)
    await until(async () => (await lives(fleet)).size === 2)
  }
  const after = await lives(fleet)
  for (const [worker, since] of before) expect(after.get(worker)).not.toBe(since)
  expect((await fleet.get("/metrics")).text).toMatch(/^sluice_worker_restarts_total 2$/m)
})

it("restarts all processes one after the other when an administrator says so", async () => {
  await using fleet = await up(2)
  const before = await lives(fleet)
  expect(await sluice(["admin", "restart"], { env: fleet.env })).toEqual({
    code: 0,
    stdout: "2 relay processes are being restarted, one after the other\n",
    stderr: "",
  })
  await until(async () => {
    const now = await lives(fleet)
    return now.size === 2 && [...now].every(([worker, since]) => before.get(worker) !== since)
  })
  expect((await fleet.get("/metrics")).text).toMatch(/^sluice_worker_restarts_total 0$/m)
})

it("says in one line what is in the way", async () => {
  await using folder = await temporaryFolder()
  const taken = createServer().listen(0, "127.0.0.1")
  await once(taken, "listening")
  const { port } = taken.address() as { readonly port: number }
  const env = {
    SLUICE_DATA: join(folder.path, "data"),
    SLUICE_RELAY_BIND: "127.0.0.1",
    SLUICE_RELAY_PORT: String(port),
    SLUICE_ADMIN_PORT: "0",
  }
  const inUse = await sluice(["up", "--workers", "2"], { env })
  expect([inUse.code, inUse.stderr]).toEqual([2, `sluice: cannot listen on 127.0.0.1:${port} (EADDRINUSE)\n`])
  taken.close()
  const memory = await sluice(["up", "--workers", "2"], { env: { ...env, SLUICE_STORE_KIND: "memory" } })
  expect([memory.code, memory.stderr]).toEqual([
    2,
    "sluice: --workers needs a store that processes can share: store.kind is memory; allowed: lmdb\n",
  ])
  const many = await sluice(["up", "--workers", "0"], { env })
  expect([many.code, many.stderr]).toEqual([2, expect.stringContaining("Allowed: a whole number, 1 to 64")])
})

/** Acknowledges what comes until there were so many messages. */
function receiveAll(client: SmpClient, queue: CreatedQueue | undefined, count: number): Promise<void> {
  if (queue === undefined) throw new Error("no queue")
  const seen = new Set<string>()
  return new Promise((resolve, reject) => {
    const received = async (first: ReceivedMessage): Promise<void> => {
      let message: ReceivedMessage | undefined = first
      while (message !== undefined) {
        const { msgId } = message
        message = await client.acknowledge(queue, msgId)
        seen.add(idKey(msgId))
        if (seen.size === count) stop()
      }
    }
    // Without an answer the message comes again.
    const stopListening = client.events.on(
      "message",
      (message) => void received(message).catch(ignoreLost).catch(reject),
    )
    const stop = (): void => {
      stopListening()
      resolve()
    }
  })
}

function ignoreLost(error: unknown): void {
  if (!(error instanceof SmpClientError && (error.network || error.answer?.type === "NO_MSG"))) throw error
}

/** Sends again what got no answer: here it does not matter whether it comes twice. */
async function retried(send: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await send()
      return
    } catch (error) {
      if (!(error instanceof SmpClientError && error.network)) throw error
    }
  }
}

/** Processes that the process started and that are there now; Linux says so. */
async function childrenOf(pid: number): Promise<number[]> {
  const { readFile } = await import("node:fs/promises")
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8")
  return text.trim().split(" ").map(Number)
}
