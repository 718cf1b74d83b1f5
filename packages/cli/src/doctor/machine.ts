import { lookup } from "node:dns/promises"
import { once } from "node:events"
import { constants } from "node:fs"
import { access, readFile, stat, statfs } from "node:fs/promises"
import { createServer } from "node:net"
import { networkInterfaces, totalmem } from "node:os"
import type { Bind } from "@sluice/ops/bind"

/** What is known of a file or folder. */
export interface FileFacts {
  readonly isFolder: boolean
  /** Permission bits, such as 0o600. */
  readonly mode: number
  /** Number of the user who owns it. */
  readonly owner: number
  /** When it was changed, milliseconds since 1970. */
  readonly changedAt: number
}

/** The machine that is looked at; tests give others. */
export interface Machine {
  /** Milliseconds since 1970. */
  now(): number
  /** Number of the user of this process; `undefined` where there are none. */
  readonly user: number | undefined
  /** Such as `v24.21.0`. */
  readonly nodeVersion: string
  /** File descriptors that a process may have. */
  maxFiles(): Promise<number | undefined>
  /** Bytes of memory that this process can have: of the machine, or of its container. */
  memory(): number
  /** Bytes of the disk of a folder. */
  disk(folder: string): Promise<{ readonly free: number; readonly total: number }>
  /** `undefined` if there is nothing by this name. */
  file(path: string): Promise<FileFacts | undefined>
  /** Whether this user may change what is in a folder. */
  canWrite(folder: string): Promise<boolean>
  /** Addresses of a host; empty when the name is unknown. */
  addressesOf(host: string): Promise<readonly string[]>
  /** Listens for a moment; the code of the error, such as `EADDRINUSE`, if that fails. */
  tryListening(bind: Bind): Promise<string | undefined>
  /** Whether an interface other than the loopback has an address of this family. */
  has(family: "IPv4" | "IPv6"): boolean
  /** Status of an answer to a request; `undefined` without one. */
  status(url: string): Promise<number | undefined>
}

/** The machine that this runs on. */
export function thisMachine(): Machine {
  return {
    now: () => Date.now(),
    user: process.getuid?.(),
    nodeVersion: process.version,
    maxFiles,
    // A group without a limit is said to have 0 bytes, or more than any machine.
    memory: () => Math.min(process.constrainedMemory() || Number.POSITIVE_INFINITY, totalmem()),
    disk: async (folder) => {
      const { bavail, blocks, bsize } = await statfs(folder)
      return { free: bavail * bsize, total: blocks * bsize }
    },
    file: async (path) => {
      try {
        const { mode, uid, mtimeMs, isDirectory } = await stat(path).then((facts) => ({
          ...facts,
          isDirectory: facts.isDirectory(),
        }))
        return { isFolder: isDirectory, mode: mode & 0o777, owner: uid, changedAt: mtimeMs }
      } catch {
        // Not there, or in a folder that may not be looked into, which is a finding of its own.
        return undefined
      }
    },
    canWrite: (folder) => succeeds(access(folder, constants.W_OK | constants.X_OK)),
    addressesOf: async (host) => {
      try {
        return (await lookup(host, { all: true })).map(({ address }) => address)
      } catch {
        // An unknown name, or no name server: no addresses.
        return []
      }
    },
    tryListening,
    has: (family) =>
      Object.values(networkInterfaces()).some((addresses) =>
        addresses?.some(
          (address) => !address.internal && address.family === family && !address.address.startsWith("fe80"),
        ),
      ),
    status: async (url) => {
      try {
        return (await fetch(url, { signal: AbortSignal.timeout(2000) })).status
      } catch {
        // Nobody there.
        return undefined
      }
    },
  }
}

async function maxFiles(): Promise<number | undefined> {
  try {
    const [, soft] = /^Max open files +(\d+)/m.exec(await readFile("/proc/self/limits", "utf8")) ?? []
    return soft === undefined ? undefined : Number(soft)
  } catch {
    // Systems without /proc do not tell.
    return undefined
  }
}

async function tryListening({ host, port }: Bind): Promise<string | undefined> {
  const server = createServer()
  try {
    server.listen({ port, ...(host !== undefined && { host }) })
    await once(server, "listening")
    const closed = once(server, "close")
    server.close()
    await closed
    return undefined
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : "unknown"
  }
}

async function succeeds(work: Promise<unknown>): Promise<boolean> {
  try {
    await work
    return true
  } catch {
    // The question is only whether.
    return false
  }
}
