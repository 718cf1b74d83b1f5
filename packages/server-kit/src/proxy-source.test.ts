import { once } from "node:events"
import { connect, type Socket } from "node:net"
import { nativeCrypto } from "@sluice/crypto/native"
import { parseNetwork } from "@sluice/ops/network"
import { BlockStream } from "@sluice/transport/block-stream"
import { connectTls } from "@sluice/transport/tls-client"
import { expect, it } from "vitest"
import { type Fixture, serve, TOY_BLOCK, ToyClient, until } from "../test/toy.ts"

const HEADER = "PROXY TCP4 192.0.2.1 198.51.100.2 56324 5223\r\n"

function behind(network: string): Promise<Fixture> {
  const parsed = parseNetwork(network)
  if (parsed === undefined) throw new Error("not a network")
  return serve({ settings: { balancers: [parsed], maxPerSource: 1 } })
}

async function dial(fixture: Fixture): Promise<Socket> {
  const socket = connect(fixture.port(), "127.0.0.1")
  await once(socket, "connect")
  return socket
}

async function secure(fixture: Fixture, socket: Socket): Promise<ToyClient> {
  const now = Math.floor(Date.now() / 1000)
  const keyHash = fixture.credentials.fingerprint
  const tls = await connectTls({ crypto: nativeCrypto, keyHash, host: "127.0.0.1", port: 0, now, socket })
  return new ToyClient(new BlockStream(tls.socket, { blockSize: TOY_BLOCK }))
}

async function talk(client: ToyClient): Promise<void> {
  client.send("hello")
  expect(await client.next()).toEqual(["hello"])
}

it("takes the source from the header, and TLS from what follows", async () => {
  await using fixture = await behind("127.0.0.0/8")
  const first = await dial(fixture)
  first.write(HEADER)
  await talk(await secure(fixture, first))
  // The same source a second time is one too many, another one is not.
  const second = await dial(fixture)
  second.write(HEADER)
  await once(second, "close")
  expect(fixture.metrics.refused.per_source.value).toBe(1)
  const third = await dial(fixture)
  third.write(HEADER.replace("192.0.2.1", "192.0.2.2"))
  await talk(await secure(fixture, third))
})

it("takes a header in pieces", async () => {
  await using fixture = await behind("127.0.0.1")
  const socket = await dial(fixture)
  socket.setNoDelay(true)
  for (const byte of HEADER) {
    socket.write(byte)
    await new Promise((resolve) => setImmediate(resolve))
  }
  await talk(await secure(fixture, socket))
})

it("has no limits for a balancer that speaks for itself", async () => {
  await using fixture = await behind("127.0.0.1")
  for (let i = 0; i < 2; i++) {
    const socket = await dial(fixture)
    socket.write("PROXY UNKNOWN\r\n")
    await talk(await secure(fixture, socket))
  }
})

it("closes a balancer's connection that has no header", async () => {
  await using fixture = await behind("127.0.0.1")
  await expect(fixture.connect()).rejects.toThrow()
  await until(() => fixture.metrics.closed.value === 1)
  expect(fixture.metrics.tlsFailures.source.value).toBe(1)
  const silent = await dial(fixture)
  silent.end()
  await until(() => fixture.metrics.closed.value === 2)
  expect(fixture.log.entries.filter(({ level }) => level === "error")).toEqual([])
})

it("takes nobody else's word", async () => {
  await using fixture = await behind("10.0.0.0/8")
  await talk(await fixture.connect())
  const socket = await dial(fixture)
  socket.on("error", () => undefined)
  socket.write(HEADER)
  await once(socket, "close")
  // It counts for the address that it came from, which has its one connection already.
  expect(fixture.metrics.refused.per_source.value).toBe(1)
})
