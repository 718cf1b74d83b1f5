import { once } from "node:events"
import { type AddressInfo, connect as connectTcp, createServer, type Socket, type Server as TcpServer } from "node:net"
import { Secret } from "@sluice/ops/secret"
import { connect } from "@sluice/smp-client/connect"
import type { DialTarget } from "@sluice/smp-client/dial"
import { expect, it } from "vitest"
import { newCredentials } from "../../smp-client/test/fake-server.ts"
import { errorOf } from "./requests.ts"
import { SmallRelay } from "./small-relay.ts"

/** What a SOCKS proxy was asked for. */
interface Asked {
  readonly host: string
  readonly credentials: string | undefined
}

/** A SOCKS 5 proxy that brings every connection to one port of this machine, whatever it is asked for. */
class SmallSocks implements AsyncDisposable {
  readonly asked: Asked[] = []
  readonly #server: TcpServer
  readonly #target: number

  private constructor(server: TcpServer, target: number) {
    this.#server = server
    this.#target = target
    server.on("connection", (socket) => void this.#serve(socket.on("error", () => socket.destroy())))
  }

  static async start(target: number): Promise<SmallSocks> {
    const server = createServer().listen(0, "127.0.0.1")
    await once(server, "listening")
    return new SmallSocks(server, target)
  }

  get address(): DialTarget {
    return { host: "127.0.0.1", port: (this.#server.address() as AddressInfo).port }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close")
    this.#server.close()
    await closed
  }

  async #serve(socket: Socket): Promise<void> {
    // Each message of the client waits for our answer, so each is one chunk.
    const method = (await chunk(socket))[2] ?? 0
    socket.write(Uint8Array.of(5, method))
    const credentials = method === 2 ? await chunk(socket) : undefined
    if (credentials !== undefined) socket.write(Uint8Array.of(1, 0))
    const request = await chunk(socket)
    const host = request.toString("latin1", 5, 5 + (request[4] ?? 0))
    this.asked.push({ host, credentials: credentials?.toString("latin1") })
    const onward = connectTcp(this.#target, "127.0.0.1")
    await once(onward, "connect")
    socket.write(Uint8Array.of(5, 0, 0, 1, 0, 0, 0, 0, 0, 0))
    socket.pipe(onward.on("error", () => socket.destroy())).pipe(socket)
    socket.on("close", () => onward.destroy())
  }
}

async function chunk(socket: Socket): Promise<Buffer> {
  const [data] = (await once(socket, "data")) as [Buffer]
  return data
}

const HOST = { type: "PROXY", error: { type: "BROKER", error: { type: "HOST" } } }

it("onion hosts are reached through the SOCKS proxy, by name, and by no other way", async () => {
  await using relay = await SmallRelay.start({ credentials: newCredentials() })
  await using socks = await SmallSocks.start(Number(relay.address.port))
  const onion = { ...relay.address, hosts: ["abcdef.onion"] }

  await using without = await SmallRelay.start()
  await using refused = await connect(without.address)
  const [answer] = refused.send([{ command: { tag: "PRXY", server: onion } }])
  expect(errorOf(await answer)).toEqual(HOST)

  const socksCredentials = new Secret("user:pass:word")
  await using proxy = await SmallRelay.start({ routing: { socksProxy: socks.address, socksCredentials } })
  await using client = await connect(proxy.address)
  await using recipient = await connect(relay.address)
  const queue = await recipient.createQueue()
  const arrival = recipient.events.once("message")
  const proxied = await client.openRelay(onion)
  await proxied.sendMessage(queue, Uint8Array.of(1, 2, 3))
  expect((await arrival).body).toEqual(Uint8Array.of(1, 2, 3))
  expect(socks.asked).toEqual([{ host: "abcdef.onion", credentials: "\x01\x04user\x09pass:word" }])

  // Public hosts are still reached directly ...
  await client.openRelay(relay.address)
  expect(socks.asked).toHaveLength(1)
  // ... unless all is to go that way.
  await using always = await SmallRelay.start({ routing: { socksProxy: socks.address, socksMode: "always" } })
  await using other = await connect(always.address)
  await other.openRelay({ ...relay.address, hosts: ["relay.example.com"] })
  expect(socks.asked.at(-1)).toEqual({ host: "relay.example.com", credentials: undefined })
})
