import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdir, readFile, readlink, realpath } from "node:fs/promises"
import { connect, createServer } from "node:net"
import { join } from "node:path"
import { setTimeout as wait } from "node:timers/promises"
import { nativeCrypto } from "@sluice/crypto/native"
import { toHex } from "@sluice/encoding/bytes"
import { writeFileAtomic } from "@sluice/ops/atomic-file"
import { OperatorError } from "@sluice/ops/operator-error"

/** Time for the server to answer after its start, which includes reading its file, ms. */
const LONGEST_START = 30_000
/** Time for a server of before to end, ms. */
const LONGEST_END = 20_000
/** Where the server writes its process number, until it ends. */
const PID_FILE = "redis.pid"
/** Holds the password of the server, which is another one after each start. */
const PASSWORD_FILE = "password"
const PASSWORD_BYTES = 32
/** Wait before a server that died is started again, ms. */
const RESTART = 500

/** A Redis of its own for a fleet on this machine, which writes every change to its disk. */
export class LocalRedis {
  readonly port: number
  /** The file with its password, which only this user can read. */
  readonly passwordFile: string
  readonly #folder: string
  readonly #password: string
  #child: ChildProcess | undefined
  #stopping = false

  private constructor(folder: string, port: number, password: string) {
    this.#folder = folder
    this.port = port
    this.#password = password
    this.passwordFile = join(folder, PASSWORD_FILE)
  }

  /** Starts `redis-server` with its files in the folder. Throws `OperatorError` where that program is missing. */
  static async start(folder: string): Promise<LocalRedis> {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await endFormer(folder)
    const redis = new LocalRedis(folder, await freePort(), toHex(nativeCrypto.randomBytes(PASSWORD_BYTES)))
    await writeFileAtomic(redis.passwordFile, redis.#password)
    redis.#spawn()
    try {
      await redis.#answers()
    } catch (error) {
      await redis.stop()
      throw error
    }
    return redis
  }

  /** Lets it write what it has, and waits for its end. */
  async stop(): Promise<void> {
    this.#stopping = true
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
    const exited = once(child, "exit")
    child.kill("SIGTERM")
    await exited
  }

  #spawn(): void {
    const args = [
      ...["--port", String(this.port), "--bind", "127.0.0.1", "--dir", this.#folder, "--save", ""],
      ...["--appendonly", "yes", "--appendfsync", "always", "--loglevel", "warning", "--daemonize", "no"],
      ...["--pidfile", join(this.#folder, PID_FILE), "-"],
    ]
    // A terminal's Ctrl+C goes to the whole group, but the relays need it to the end.
    const child = spawn("redis-server", args, { stdio: ["pipe", "ignore", "ignore"], detached: true })
    this.#child = child
    child.on("error", () => undefined)
    child.stdin.on("error", () => undefined)
    // Every user of this machine reaches the port, and sees the arguments of processes.
    child.stdin.end(`requirepass ${this.#password}\n`)
    child.on("exit", () => {
      if (!this.#stopping) setTimeout(() => this.#stopping || this.#spawn(), RESTART).unref()
    })
  }

  async #answers(): Promise<void> {
    for (let waited = 0; waited < LONGEST_START; waited += 50) {
      if (this.#child?.pid === undefined) break
      if (await answers(this.port, this.#password)) return
      await wait(50)
    }
    throw new OperatorError(
      "--cluster needs Redis: the program redis-server could not be started; install it, or set redis.nodes (SLUICE_REDIS_NODES) to a Redis that runs",
    )
  }
}

/**
 * Ends a server that outlived its supervisor, which was killed: two that write to the same files would spoil them. Linux
 * tells whether the number in the file is still that server's; elsewhere it is believed.
 */
async function endFormer(folder: string): Promise<void> {
  const pid = Number(await readFile(join(folder, PID_FILE), "utf8").catch(() => ""))
  if (!Number.isSafeInteger(pid) || pid <= 0) return
  const works = await readlink(`/proc/${pid}/cwd`).catch(() => undefined)
  if (works !== undefined && works !== (await realpath(folder))) return
  for (let waited = 0; signal(pid); waited += 50) {
    if (waited > LONGEST_END)
      throw new OperatorError(`the redis-server of ${folder}, process ${pid}, does not end; end it`)
    await wait(50)
  }
}

/** Asks a process to end; `false` when there is none. */
function signal(pid: number): boolean {
  try {
    process.kill(pid, "SIGTERM")
    return true
  } catch {
    return false // it is gone
  }
}

function answers(port: number, password: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1")
    socket.setEncoding("latin1")
    socket.on("connect", () => socket.end(`AUTH ${password}\r\nPING\r\n`))
    let heard = ""
    socket.on("data", (text) => {
      heard += String(text)
      if (heard.includes("+PONG")) resolve(true)
    })
    socket.on("error", () => resolve(false))
    socket.on("close", () => resolve(false))
  })
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  server.close()
  await once(server, "close")
  if (address === null || typeof address === "string") throw new Error("no port")
  return address.port
}
