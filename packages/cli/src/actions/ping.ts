import type { TLSSocket } from "node:tls"
import { nativeCrypto } from "@sluice/crypto/native"
import type { ServerAddress } from "@sluice/encoding/server-address"
import { systemClock } from "@sluice/smp-client/clock"
import { SmpConnection } from "@sluice/smp-client/connection"
import { VERSION } from "@sluice/smp-protocol/versions"
import { BlockStream } from "@sluice/transport/block-stream"
import { clientHandshake } from "@sluice/transport/client-handshake"
import type { ClientSession } from "@sluice/transport/session"
import { type ConnectedTls, connectTls } from "@sluice/transport/tls-client"
import { certificateLines, describeChain, type ShownCertificate } from "../certificate-table.ts"
import { withServer } from "../client-failure.ts"
import { unixSeconds } from "../identity.ts"
import { columns, printData, printJson } from "../output.ts"
import type { GlobalOptions } from "../place.ts"
import { serverArgument, serverName } from "../server-argument.ts"

/** Options of `sluice ping`. */
export interface PingOptions extends GlobalOptions {
  readonly count: number
  /** Milliseconds. */
  readonly timeout: number
  readonly json?: true
}

/** What `sluice ping --json` prints. Times in milliseconds. */
export interface PingReport {
  readonly server: string
  readonly tls: { readonly version: string; readonly cipher: string; readonly group: string; readonly alpn: string }
  /** Leaf first. The second one has the fingerprint of the address, otherwise there is no report. */
  readonly certificates: readonly ShownCertificate[]
  readonly versions: { readonly min: number; readonly max: number; readonly agreed: number }
  /** Whether blocks are encrypted once more inside TLS. */
  readonly blockEncryption: boolean
  /** To connect and to set up TLS; from there to the end of the SMP handshake. */
  readonly connectMs: { readonly tls: number; readonly handshake: number }
  readonly roundTrip: {
    readonly minMs: number
    readonly medianMs: number
    readonly maxMs: number
    readonly allMs: readonly number[]
  }
}

/** `sluice ping` */
export async function ping(text: string | undefined, options: PingOptions): Promise<void> {
  const server = await serverArgument(text, options)
  const report = await withServer(server, () => measure(server, options))
  if (options.json) printJson(report)
  else printData(reportLines(report))
}

async function measure(server: ServerAddress, { count, timeout: timeoutMs }: PingOptions): Promise<PingReport> {
  const begun = performance.now()
  const tls = await connectFirst(server, timeoutMs)
  const encrypted = performance.now()
  // Read before the handshake: what TLS agreed on is not there any more once the server has hung up.
  const agreed = tlsParameters(tls.socket)
  const stream = new BlockStream(tls.socket)
  const { keyHash } = server
  const { sessionId, serverChain } = tls
  const session = await clientHandshake(stream, { crypto: nativeCrypto, keyHash, sessionId, serverChain, timeoutMs })
  const ready = performance.now()
  await using connection = new SmpConnection(
    {
      crypto: nativeCrypto,
      clock: systemClock,
      server,
      password: undefined,
      stream,
      session,
      serviceFingerprint: undefined,
    },
    { commandTimeoutMs: timeoutMs },
  )
  const times: number[] = []
  for (let i = 0; i < count; i++) {
    const sent = performance.now()
    await connection.ping()
    times.push(performance.now() - sent)
  }
  return {
    server: serverName(server),
    tls: agreed,
    certificates: describeChain(serverChain, unixSeconds()),
    ...sessionParameters(session),
    connectMs: { tls: rounded(encrypted - begun), handshake: rounded(ready - encrypted) },
    roundTrip: summary(times),
  }
}

/** The first host of the address that answers. Throws what the last one failed with. */
async function connectFirst(server: ServerAddress, timeoutMs: number): Promise<ConnectedTls> {
  const port = server.port === "" ? 5223 : Number(server.port)
  let failure: unknown
  for (const host of server.hosts) {
    try {
      const { keyHash } = server
      return await connectTls({ crypto: nativeCrypto, keyHash, host, port, timeoutMs, now: unixSeconds() })
    } catch (error) {
      failure = error
    }
  }
  throw failure
}

function tlsParameters(socket: TLSSocket): PingReport["tls"] {
  const key = socket.getEphemeralKeyInfo()
  return {
    version: socket.getProtocol() ?? "unknown",
    cipher: socket.getCipher().name,
    group: key !== null && "name" in key && typeof key.name === "string" ? key.name : "unknown",
    alpn: socket.alpnProtocol || "none",
  }
}

function sessionParameters({ serverRange, version, sessionSecret, proxyServer }: ClientSession): {
  readonly versions: PingReport["versions"]
  readonly blockEncryption: boolean
} {
  return {
    versions: { ...serverRange, agreed: version },
    blockEncryption: version >= VERSION.BLOCK_ENCRYPTION && sessionSecret !== undefined && !proxyServer,
  }
}

function summary(times: readonly number[]): PingReport["roundTrip"] {
  const sorted = times.toSorted((a, b) => a - b)
  return {
    minMs: rounded(sorted[0] ?? 0),
    medianMs: rounded(sorted[Math.floor(sorted.length / 2)] ?? 0),
    maxMs: rounded(sorted.at(-1) ?? 0),
    allMs: times.map(rounded),
  }
}

function rounded(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000
}

function reportLines(report: PingReport): string {
  const { tls, versions, connectMs, roundTrip } = report
  return columns([
    ["server", report.server],
    ["TLS", `${tls.version}, ${tls.cipher}, ${tls.group}, ALPN ${tls.alpn}`],
    ["certificates", certificateLines(report.certificates)],
    ["fingerprint", "is that of the address"],
    ["SMP", `versions ${versions.min} to ${versions.max}, agreed ${versions.agreed}`],
    ["blocks", report.blockEncryption ? "encrypted inside TLS" : "not encrypted inside TLS"],
    ["connecting", `${shown(connectMs.tls)} to TLS, then ${shown(connectMs.handshake)} to the SMP session`],
    [
      "round trips",
      `${shown(roundTrip.minMs)} min, ${shown(roundTrip.medianMs)} median, ${shown(roundTrip.maxMs)} max of ${roundTrip.allMs.length}`,
    ],
  ])
}

function shown(milliseconds: number): string {
  return `${milliseconds.toFixed(milliseconds < 10 ? 2 : 1)} ms`
}
