import { once } from "node:events"
import { connect as connectTcp, type Socket } from "node:net"
import { setTimeout } from "node:timers/promises"
import { connect as connectTls } from "node:tls"
import { nativeCrypto as c } from "@sluice/crypto/native"
import { pad } from "@sluice/encoding/padding"
import { BLOCK_SIZE, singleContent } from "@sluice/smp-protocol/batch"
import type { ParsedResponse } from "@sluice/smp-protocol/block"
import { ID_LENGTH } from "@sluice/smp-protocol/types"
import { encodeClientHello } from "@sluice/transport/hello"
import { clientTlsOptions } from "@sluice/transport/tls"
import fc from "fast-check"
import { bytes, damage } from "../../packages/smp-protocol/test/arbitraries.ts"
import { contentOf, type HostileBlock, OWN_QUEUES } from "./hostile-commands.ts"
import type { TestedRelay } from "./hostile-relay.ts"
import { HostileSession, type OwnQueue, ownQueue, type SessionChoice } from "./hostile-session.ts"

/** Sessions of all versions, without ALPN, and of services. */
export const sessionChoice: fc.Arbitrary<SessionChoice> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ version: fc.integer({ min: 6, max: 20 }) }) },
  { weight: 1, arbitrary: fc.constant({ alpn: false }) },
  { weight: 1, arbitrary: fc.record({ service: fc.constantFrom("M" as const, "N" as const, "P" as const) }) },
)

/** What is not TLS, or begins like it. */
export const noise: fc.Arbitrary<Uint8Array> = fc.oneof(
  bytes(5000, 1),
  ...[22, 21, 23, 128].map((type) => bytes(200).map((rest) => Uint8Array.of(type, 3, 1, 0, rest.length, ...rest))),
  fc.constant(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")),
)

/** What a client sends in place of its hello, given a good one. */
export type BadHello = (good: Uint8Array) => Uint8Array

export const badHello: fc.Arbitrary<BadHello> = fc.oneof(
  damage.map(
    (change): BadHello =>
      (good) =>
        pad(change(good).subarray(0, BLOCK_SIZE - 2), BLOCK_SIZE),
  ),
  bytes(BLOCK_SIZE, BLOCK_SIZE).map(
    (random): BadHello =>
      () =>
        random,
  ),
  fc.nat(BLOCK_SIZE - 1).map(
    (length): BadHello =>
      (good) =>
        pad(good, BLOCK_SIZE).subarray(0, length),
  ),
  fc.constant<BadHello>((good) => pad(good.with(10, (good[10] ?? 0) ^ 1), BLOCK_SIZE)),
)

/** A TCP connection on which nothing was sent. */
export async function tcp({ port }: TestedRelay): Promise<Socket> {
  const socket = connectTcp(port, "127.0.0.1")
  socket.on("error", () => undefined)
  await once(socket, "connect")
  return socket
}

/** The same after TLS. */
export async function tls({ port }: TestedRelay): Promise<Socket> {
  const socket = connectTls({ ...clientTlsOptions(), host: "127.0.0.1", port })
  socket.on("error", () => undefined)
  await once(socket, "secureConnect")
  return socket
}

/** Resolves when the connection is gone, in order or by a reset. */
export async function ended(socket: Socket): Promise<void> {
  socket.resume()
  if (!socket.destroyed) await new Promise((resolve) => socket.once("close", resolve))
}

/** The content of a good hello. */
export function goodHello({ relay }: TestedRelay): Uint8Array {
  const sessionKey = c.generateKeyPair("x25519").publicKey
  return encodeClientHello({ version: 20, keyHash: relay.fingerprint, sessionKey, proxyServer: false })
}

export async function sendNoise(relay: TestedRelay, garbage: Uint8Array): Promise<void> {
  const socket = await tcp(relay)
  // Noise that is not even the beginning of something ends with our side of the connection.
  socket.end(garbage)
  await ended(socket)
}

export async function sendBadHello(relay: TestedRelay, make: BadHello): Promise<void> {
  const socket = await tls(relay)
  // Where only bytes were changed that a server ignores, there is a session now, which ends with our side.
  socket.end(make(goodHello(relay)))
  await ended(socket)
}

/** Ends a connection before TLS or in the middle of it; `how` counts through the ways to do it. */
export async function cutEarly(relay: TestedRelay, how: number): Promise<void> {
  const socket = await tcp(relay)
  if (how % 3 === 0) socket.end()
  else if (how % 3 === 1) socket.resetAndDestroy()
  else {
    const client = connectTls({ ...clientTlsOptions(), socket })
    client.on("error", () => undefined)
    // The server has answered the first flight, and waits for the second.
    await Promise.race([once(socket, "data"), once(client, "secureConnect")])
    socket.destroy()
  }
  await ended(socket)
}

/** Opens a session with queues of its own, runs, and closes. */
export async function inSession<T>(
  { address }: TestedRelay,
  choice: SessionChoice,
  run: (session: HostileSession, queues: readonly OwnQueue[]) => Promise<T>,
): Promise<T> {
  const session = await HostileSession.open(address, choice)
  // Most services may not make any, so another connection does.
  const maker = choice.service === undefined ? session : await HostileSession.open(address)
  try {
    const queues: OwnQueue[] = []
    while (queues.length < OWN_QUEUES) queues.push(await ownQueue(maker))
    return await run(session, queues)
  } finally {
    await Promise.all([...new Set([session, maker])].map((open) => open.close()))
  }
}

/** Sends hostile commands and gives everything that was answered. */
export function sendHostile(
  relay: TestedRelay,
  choice: SessionChoice,
  blocks: readonly HostileBlock[],
): Promise<readonly ParsedResponse[]> {
  return inSession(relay, choice, (session, queues) => {
    for (const block of blocks) session.content(contentOf(session, queues, block))
    return session.responses()
  })
}

/** Sends messages to a queue of its own and is gone `delay` ms later, while the server reads, works or answers. */
export async function cutWhileWorking(relay: TestedRelay, delay: number): Promise<void> {
  await inSession(relay, {}, async (session, queues) => {
    for (const { senderId: entityId } of [...queues, ...queues]) {
      const command = { tag: "SEND", flags: { notification: false }, body: new Uint8Array(8000) } as const
      session.content(singleContent(session.transmission({ corrId: c.randomBytes(ID_LENGTH), entityId, command })))
    }
    session.raw(new Uint8Array(delay * 100))
    await setTimeout(delay)
  })
}

/** One byte after the other until the server has enough of it. */
export async function drip(socket: Socket, content: Uint8Array, every: number): Promise<void> {
  const end = ended(socket)
  for (const byte of content) {
    if (socket.destroyed) break
    socket.write(Uint8Array.of(byte))
    await Promise.race([setTimeout(every), end])
  }
  await end
}
