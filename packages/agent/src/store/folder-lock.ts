import { once } from "node:events"
import { realpath } from "node:fs/promises"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { CryptoBackend } from "@sluice/crypto/backend"
import { toHex, utf8 } from "@sluice/encoding/bytes"
import { AgentStoreError } from "./agent-store.ts"

/** Gives a lock back. */
export type Unlock = () => Promise<void>

/**
 * Makes sure that one process at a time uses a folder: two that write to one store would use keys of a ratchet twice. The
 * lock is a socket that listens, so that the system gives it back however the process ends. Processes in containers with
 * networks of their own do not see each other's. Rejects with `AgentStoreError` IN_USE.
 */
export async function lockFolder(c: CryptoBackend, folder: string): Promise<Unlock> {
  const name = `sluice-agent-${toHex(c.sha256(utf8(await realpath(folder)))).slice(0, 32)}`
  const server = createServer((socket) => socket.destroy())
  // Abstract sockets of Linux have no file that a crash could leave behind; pipes of Windows have none either.
  server.listen(process.platform === "win32" ? `\\\\.\\pipe\\${name}` : abstractPath(name))
  try {
    await once(server, "listening")
  } catch (cause) {
    throw new AgentStoreError({ code: "IN_USE" }, { cause })
  }
  server.unref()
  return async () => {
    server.close()
    await once(server, "close")
  }
}

function abstractPath(name: string): string {
  return process.platform === "linux" ? `\0${name}` : join(tmpdir(), `${name}.sock`)
}
