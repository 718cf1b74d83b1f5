import { once } from "node:events"
import { type AddressInfo, createServer, type Socket, type Server as TcpServer } from "node:net"
import { nativeCrypto as c } from "@sluice/crypto/native"
import type { Server, ServerAddress } from "@sluice/encoding/server-address"
import { ManualClock } from "@sluice/ops/manual-clock"
import { connect } from "@sluice/smp-client/connect"
import type { SmpConnection } from "@sluice/smp-client/connection"
import type { SmpError } from "@sluice/smp-protocol/errors"
import type { BrokerMessage } from "@sluice/smp-protocol/messages"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { newCredentials } from "../../smp-client/test/fake-server.ts"
import { errorOf, pfwdCommand } from "./requests.ts"
import { SmallRelay, until } from "./small-relay.ts"

/*
 * Cases 9 to 12 and 16 of proxy.md §10: relays that are not there, do not answer, or come back, and clients that leave.
 * The proxy's time is moved by hand.
 */

const SECOND = 1000
const CREDENTIALS = newCredentials()
const NETWORK: SmpError = brokerError({ type: "NETWORK", error: { type: "FAILED" } })
const TIMEOUT: SmpError = brokerError({ type: "TIMEOUT" })
const NO_SESSION: SmpError = { type: "PROXY", error: { type: "NO_SESSION" } }

let clock: ManualClock
let proxy: SmallRelay
let client: SmpConnection

beforeEach(async () => {
  clock = new ManualClock(Date.now())
  proxy = await SmallRelay.start({ clock, routing: { rememberFailure: SECOND, connectTimeout: 4 * SECOND } })
  client = await connect(proxy.address)
})

afterEach(async () => {
  await client.close()
  await proxy.close()
})

function ask(server: Server, by: SmpConnection = client): Promise<BrokerMessage> {
  const [answer] = by.send([{ command: { tag: "PRXY", server } }])
  if (answer === undefined) throw new Error("no promise")
  return answer
}

function forward(sessionId: Uint8Array, by: SmpConnection = client): Promise<BrokerMessage> {
  const [answer] = by.send([{ command: pfwdCommand(), entityId: sessionId }])
  if (answer === undefined) throw new Error("no promise")
  return answer
}

async function session(server: Server, by: SmpConnection = client): Promise<Uint8Array> {
  const answer = await ask(server, by)
  if (answer.tag !== "PKEY") throw new Error(`PKEY was expected, not ${JSON.stringify(answer)}`)
  return answer.sessionId.slice()
}

function addressAt(port: number): ServerAddress {
  return { scheme: "smp", keyHash: CREDENTIALS.fingerprint, hosts: ["127.0.0.1"], port: String(port) }
}

/** A port that accepts TCP and then says nothing. */
class HalfOpen implements AsyncDisposable {
  readonly port: number
  readonly #server: TcpServer
  readonly #sockets: Socket[] = []

  private constructor(server: TcpServer) {
    this.#server = server
    this.port = (server.address() as AddressInfo).port
    server.on("connection", (socket) => this.#sockets.push(socket.on("error", () => undefined).resume()))
  }

  static async start(): Promise<HalfOpen> {
    const server = createServer().listen(0, "127.0.0.1")
    await once(server, "listening")
    return new HalfOpen(server)
  }

  /** The next connection that is accepted. */
  async accepted(): Promise<Socket> {
    const [socket] = (await once(this.#server, "connection")) as [Socket]
    return socket
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    const closed = once(this.#server, "close")
    this.#server.close()
    await closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server.listening) await this.close()
  }
}

it("9: 1000 requests for a port where nothing listens do the proxy no harm", async () => {
  const unused = await HalfOpen.start()
  await unused.close()
  for (let i = 0; i < 1000; i++) {
    expect(errorOf(await ask(addressAt(unused.port)))).toEqual(NETWORK)
    // Half of them find the failure remembered.
    if (i % 2 === 0) clock.advance(SECOND)
  }
  expect(proxy.metrics.sessions.all.errors.connect.value).toBe(1000)
  await client.ping()
  expect(await session(proxy.address)).toHaveLength(32)
  expect(proxy.metrics.levels()).toEqual({ destinations: 1, connecting: 0, running: 0, waiting: 0 })
})

describe("a relay that accepts TCP and never does TLS", () => {
  it("10: is a network error after the time to connect; a good one on the same port is found later", async () => {
    await using stuck = await HalfOpen.start()
    const { port } = stuck
    const accepted = stuck.accepted()
    const answer = ask(addressAt(port))
    const socket = await accepted
    const ended = once(socket, "close")
    clock.advance(4 * SECOND - 1)
    expect(proxy.metrics.levels().connecting).toBe(1)
    clock.advance(1)
    expect(errorOf(await answer)).toEqual(NETWORK)
    await ended
    expect(errorOf(await ask(addressAt(port)))).toEqual(NETWORK)

    await stuck.close()
    await using healthy = await SmallRelay.start({ port, credentials: CREDENTIALS })
    expect(errorOf(await ask(healthy.address))).toEqual(NETWORK)
    clock.advance(SECOND)
    expect(await session(healthy.address)).toHaveLength(32)
  })

  it("11: leaves nothing behind when the client disconnects meanwhile", async () => {
    await using stuck = await HalfOpen.start()
    const { port } = stuck
    const accepted = stuck.accepted()
    const answer = ask(addressAt(port))
    answer.catch(() => undefined)
    const socket = await accepted
    clock.advance(SECOND)
    const ended = once(socket, "close")
    await client.close()
    // The attempt ends with the client, long before its time.
    await ended
    await until(() => proxy.metrics.levels().connecting === 0)

    await stuck.close()
    await using healthy = await SmallRelay.start({ port, credentials: CREDENTIALS })
    client = await connect(proxy.address)
    expect(await session(healthy.address)).toHaveLength(32)
    expect(clock.pending).toBe(1)
  })

  it("does not lose the attempt while another client waits for it", async () => {
    await using stuck = await HalfOpen.start()
    await using other = await connect(proxy.address)
    const accepted = stuck.accepted()
    ask(addressAt(stuck.port)).catch(() => undefined)
    const answer = ask(addressAt(stuck.port), other)
    await accepted
    await client.close()
    await until(() => proxy.server.connections.some(({ closed }) => closed))
    clock.advance(3 * SECOND)
    expect(proxy.metrics.levels().connecting).toBe(1)
    clock.advance(SECOND)
    expect(errorOf(await answer)).toEqual(NETWORK)
    client = await connect(proxy.address)
  })

  it("does not hold up sessions with other relays", async () => {
    await using stuck = await HalfOpen.start()
    await using healthy = await SmallRelay.start({ credentials: CREDENTIALS })
    const accepted = stuck.accepted()
    const answer = ask(addressAt(stuck.port))
    await accepted
    expect(await session(healthy.address)).toHaveLength(32)
    clock.advance(4 * SECOND)
    expect(errorOf(await answer)).toEqual(NETWORK)
  })
})

describe("a relay that restarts", () => {
  it("12: is first a session that is gone, then a new one", async () => {
    const first = await SmallRelay.start({ credentials: CREDENTIALS })
    const { address, queues } = first
    const before = await session(address)
    await first.close()
    await until(() => proxy.metrics.levels().destinations === 0)
    expect(errorOf(await forward(before))).toEqual(NO_SESSION)
    expect(errorOf(await ask(address))).toEqual(NETWORK)

    clock.advance(SECOND)
    await using _second = await SmallRelay.start({ credentials: CREDENTIALS, port: Number(address.port), queues })
    expect(errorOf(await forward(before))).toEqual(NO_SESSION)
    const after = await session(address)
    expect(after).not.toEqual(before)
    expect((await forward(after)).tag).toBe("ERR")
  })

  it("16: a client that repeats PRXY once gets its message through", async () => {
    const first = await SmallRelay.start({ credentials: CREDENTIALS })
    const { address, queues } = first
    await using recipient = await connect(address)
    const queue = await recipient.createQueue()
    const proxied = await client.openRelay(address)
    await proxied.sendMessage(queue, Uint8Array.of(1))
    await first.close()
    await until(() => proxy.metrics.levels().destinations === 0)
    await expect(proxied.sendMessage(queue, Uint8Array.of(2))).rejects.toMatchObject({ retryable: true })

    clock.advance(SECOND)
    await using _second = await SmallRelay.start({ credentials: CREDENTIALS, port: Number(address.port), queues })
    await proxied.sendMessage(queue, Uint8Array.of(2))
  })

  it("ends requests that it had not answered", async () => {
    const relay = await SmallRelay.start({ credentials: CREDENTIALS, deaf: true })
    const sessionId = await session(relay.address)
    const answer = forward(sessionId)
    const hop = await relay.server.connection()
    await hop.command()
    await relay.close()
    expect(errorOf(await answer)).toEqual(TIMEOUT)
  })
})

describe("a relay that does not answer", () => {
  it("is a time-out after 30 seconds, and gone after more than 15 minutes of it", async () => {
    await using deaf = await SmallRelay.start({ credentials: CREDENTIALS, deaf: true })
    const sessionId = await session(deaf.address)
    const hop = await deaf.server.connection()
    for (let i = 0; i < 3; i++) {
      const answer = forward(sessionId)
      await hop.until(() => hop.commands.length > i)
      clock.advance(29_999)
      expect(proxy.metrics.levels().running).toBe(1)
      clock.advance(1)
      expect(errorOf(await answer)).toEqual(TIMEOUT)
    }
    expect(proxy.metrics.messages.all.errors.other.value).toBe(3)
    await proxyTurn()
    clock.advance(20 * 60 * SECOND)
    await until(() => proxy.metrics.levels().destinations === 0)
    expect(errorOf(await forward(sessionId))).toEqual(NO_SESSION)
  })

  it("takes only the places of the clients that talk to it", async () => {
    await using deaf = await SmallRelay.start({ credentials: CREDENTIALS, deaf: true })
    await using healthy = await SmallRelay.start({ credentials: newCredentials() })
    await using other = await connect(proxy.address)
    const stuck = await session(deaf.address)
    const hop = await deaf.server.connection()
    const answers = Array.from({ length: 40 }, () => forward(stuck))
    await hop.until(() => hop.commands.length === 32)
    // This client's other proxy commands wait behind those, another client's do not.
    const behind = forward(c.randomBytes(32))
    expect((await forward(await session(healthy.address, other), other)).tag).toBe("ERR")
    await until(() => proxy.metrics.levels().waiting === 9)

    clock.advance(30 * SECOND)
    for (const answer of answers.slice(0, 32)) expect(errorOf(await answer)).toEqual(TIMEOUT)
    await hop.until(() => hop.commands.length === 40)
    expect(errorOf(await behind)).toEqual(NO_SESSION)
    await until(() => proxy.metrics.levels().running === 8)
    clock.advance(30 * SECOND)
    for (const answer of answers.slice(32)) expect(errorOf(await answer)).toEqual(TIMEOUT)
    expect(proxy.metrics.levels()).toMatchObject({ running: 0, waiting: 0 })
  })
})

it("a proxy that stops closes its connections to relays", async () => {
  await using relay = await SmallRelay.start({ credentials: CREDENTIALS })
  await session(relay.address)
  const hop = await relay.server.connection()
  await proxy.proxy.stop()
  await hop.until(() => hop.closed)
})

/** Lets what the proxy has just decided reach its timers. */
function proxyTurn(): Promise<void> {
  return clock.advanceAsync(0)
}

function brokerError(
  error: Extract<Extract<SmpError, { type: "PROXY" }>["error"], { type: "BROKER" }>["error"],
): SmpError {
  return { type: "PROXY", error: { type: "BROKER", error } }
}
