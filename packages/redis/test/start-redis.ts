import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, rm } from "node:fs/promises"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { Redis } from "ioredis"
import { defaultRedis, type RedisConfig } from "../src/settings.ts"
import { redisProgram } from "./redis-program.ts"

/** How a server for tests differs from one that keeps everything in memory. */
export interface TestRedisOptions {
  /** Writes an append-only file and waits for the disk with every change. */
  readonly appendonly?: boolean
  /** A free one by default. */
  readonly port?: number
  /** Folder of its files; by default one that is removed at the end. */
  readonly folder?: string
  /** More settings, such as `["--maxmemory", "10mb"]`. */
  readonly args?: readonly string[]
  /** Configuration file of a Sentinel, which is started in place of a server. */
  readonly sentinelFile?: string
}

/** A real Redis server of a test. It listens on the loopback interface only; nothing but this process ends it. */
export interface TestRedis extends AsyncDisposable {
  readonly port: number
  readonly folder: string
  /** Configuration of connections to it, with any part changed. */
  config(changes?: Partial<RedisConfig>): RedisConfig
  /** One command from outside, as an operator would give it with `redis-cli`. */
  command(name: string, ...args: (string | number)[]): Promise<unknown>
  /** `SIGKILL`, as if the machine failed; what was written to its files stays. */
  kill(): Promise<void>
  /** `SIGTERM`. */
  stop(): Promise<void>
  /** Starts it again on the same port with the same files, after {@link kill} or {@link stop}. */
  start(): Promise<void>
  /** It keeps its connections and answers nothing. */
  pause(): void
  resume(): void
  /** Its process while it runs. */
  readonly pid: number | undefined
}

/** Starts a server and waits until it answers. */
export async function startRedis(options: TestRedisOptions = {}): Promise<TestRedis> {
  const own = options.folder === undefined
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), "sluice-redis-")))
  const server = new Server(options.port ?? (await freePort()), folder, own, options)
  try {
    await server.start()
  } catch (error) {
    await server[Symbol.asyncDispose]()
    throw error
  }
  return server
}

/** Servers that run; none outlives this process. */
const running = new Set<ChildProcess>()
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL")
})

/** A port that nothing listens on at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  server.close()
  await once(server, "close")
  if (address === null || typeof address === "string") throw new Error("no port")
  // A node of a Cluster also listens 10,000 above its port.
  return address.port > 55_000 ? freePort() : address.port
}

class Server implements TestRedis {
  readonly port: number
  readonly folder: string
  readonly #own: boolean
  readonly #options: TestRedisOptions
  #process: ChildProcess | undefined
  #client: Redis | undefined

  constructor(port: number, folder: string, own: boolean, options: TestRedisOptions) {
    this.port = port
    this.folder = folder
    this.#own = own
    this.#options = options
  }

  get pid(): number | undefined {
    return this.#process?.pid
  }

  config(changes: Partial<RedisConfig> = {}): RedisConfig {
    return { ...defaultRedis, durability: "memory", nodes: [{ host: "127.0.0.1", port: this.port }], ...changes }
  }

  async command(name: string, ...args: (string | number)[]): Promise<unknown> {
    this.#client ??= this.#connect()
    return await this.#client.call(name, ...args)
  }

  async start(): Promise<void> {
    if (this.#process !== undefined) return
    const { appendonly = false, args = [], sentinelFile } = this.#options
    const settings = [
      ...["--port", `${this.port}`, "--bind", "127.0.0.1", "--dir", this.folder, "--daemonize", "no"],
      ...(sentinelFile === undefined
        ? ["--save", "", "--appendonly", appendonly ? "yes" : "no", "--appendfsync", appendonly ? "always" : "no"]
        : ["--sentinel"]),
      ...args,
    ]
    const child = spawn(
      redisProgram ?? "redis-server",
      sentinelFile === undefined ? settings : [sentinelFile, ...settings],
      {
        cwd: this.folder,
        stdio: "ignore",
      },
    )
    this.#process = child
    running.add(child)
    child.once("exit", () => {
      running.delete(child)
      if (this.#process === child) this.#process = undefined
    })
    await once(child, "spawn")
    await this.#answers(child)
  }

  async kill(): Promise<void> {
    await this.#end("SIGKILL")
  }

  async stop(): Promise<void> {
    await this.#end("SIGTERM")
  }

  pause(): void {
    this.#process?.kill("SIGSTOP")
  }

  resume(): void {
    this.#process?.kill("SIGCONT")
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client?.disconnect()
    this.#client = undefined
    await this.kill()
    if (this.#own) await rm(this.folder, { recursive: true, force: true, maxRetries: 5 })
  }

  async #end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const child = this.#process
    if (child === undefined) return
    this.#client?.disconnect()
    this.#client = undefined
    const ended = once(child, "exit")
    child.kill("SIGCONT")
    child.kill(signal)
    await ended
  }

  #connect(): Redis {
    const client = new Redis({ host: "127.0.0.1", port: this.port, retryStrategy: () => 20 })
    client.on("error", () => undefined)
    return client
  }

  /** Asks until it answers: it may read its files first. */
  async #answers(child: ChildProcess): Promise<void> {
    const deadline = performance.now() + 10_000
    while (performance.now() < deadline) {
      if (child.exitCode !== null) throw new Error(`${child.spawnfile} ended with ${child.exitCode}`)
      const client = new Redis({ host: "127.0.0.1", port: this.port, lazyConnect: true, retryStrategy: () => null })
      client.on("error", () => undefined)
      try {
        await client.connect()
        await client.ping()
        return
      } catch {
        await delay(5)
      } finally {
        client.disconnect()
      }
    }
    throw new Error(`${child.spawnfile} does not answer`)
  }
}
