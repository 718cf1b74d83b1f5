import type { CryptoBackend } from "@sluice/crypto/backend"
import { nativeCrypto } from "@sluice/crypto/native"
import type { ServerAddress } from "@sluice/encoding/server-address"
import { DEFAULT_PORT } from "@sluice/smp-client/connect"
import { BlockStream } from "@sluice/transport/block-stream"
import { clientHandshake } from "@sluice/transport/client-handshake"
import { connectTls } from "@sluice/transport/tls-client"
import { cachedCrypto } from "./cached-crypto.ts"
import { Link } from "./link.ts"

/** Where links of a run go, and how. */
export interface LinkOptions {
  readonly server: ServerAddress
  /** Highest version to offer; the server may agree on a lower one. */
  readonly version: number
  /** Time for connecting, and for an answer, ms. */
  readonly timeoutMs: number
}

/** Oldest version with everything that the load generator does: senders secure their queues. */
export const OLDEST_VERSION = 9

const OLDEST_OFFERED = 6

/** For signing only; handshakes and the encryption of blocks have keys of their own each time. */
const signing: CryptoBackend = cachedCrypto(nativeCrypto)

/** Connects to the first host of the address. Rejects with `TransportError`. */
export async function openLink({ server, version, timeoutMs }: LinkOptions): Promise<Link> {
  const { keyHash, port } = server
  const [host = ""] = server.hosts
  const tls = await connectTls({
    ...{ crypto: nativeCrypto, keyHash, host, port: port === "" ? DEFAULT_PORT : Number(port), timeoutMs },
    ...{ keepAlive: false, now: Math.floor(Date.now() / 1000) },
  })
  const stream = new BlockStream(tls.socket)
  const { sessionId, serverChain } = tls
  const range = { min: OLDEST_OFFERED, max: version }
  const session = await clientHandshake(stream, {
    crypto: nativeCrypto,
    keyHash,
    sessionId,
    serverChain,
    timeoutMs,
    range,
  })
  const link = new Link(stream, session, signing)
  tls.socket.setTimeout(timeoutMs, () => link.silent())
  return link
}

/** Does something for each of many, at most `parallel` at a time; the first failure ends it. */
export async function inParallel<T>(count: number, parallel: number, run: (at: number) => Promise<T>): Promise<T[]> {
  const results: T[] = []
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < count) {
      const at = next++
      results[at] = await run(at)
    }
  }
  await Promise.all(Array.from({ length: Math.min(parallel, count) }, worker))
  return results
}
