import { once } from "node:events"
import { type AddressInfo, connect as connectTcp, createServer, type Server, type Socket } from "node:net"
import { afterEach, expect, test } from "vitest"
import { FakeServer } from "../test/fake-server.ts"
import { connect } from "./connect.ts"
import { tcpDial } from "./dial.ts"
import { type Socks5Error, socks5Dial } from "./socks5.ts"

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

/** A SOCKS proxy that plays one script: expects bytes, then writes bytes. */
async function proxy(...script: readonly (readonly [expect: Uint8Array, answer: Uint8Array])[]): Promise<number> {
  const server = createServer((socket) => void play(socket, script))
  servers.push(server)
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  return (server.address() as AddressInfo).port
}

async function play(socket: Socket, script: readonly (readonly [Uint8Array, Uint8Array])[]): Promise<void> {
  socket.on("error", () => undefined)
  for (const [expected, answer] of script) {
    let got = Buffer.alloc(0)
    while (got.length < expected.length) {
      const [chunk] = (await once(socket, "data")) as [Buffer]
      got = Buffer.concat([got, chunk])
    }
    if (!got.equals(expected)) return void socket.destroy()
    // byte by byte, so that answers arrive in pieces
    for (const byte of answer) socket.write(Uint8Array.of(byte))
  }
}

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"))
/** CONNECT to a.onion:5223 */
const request = bytes(`05010003${"07"}${Buffer.from("a.onion").toString("hex")}1467`)
const target = { host: "a.onion", port: 5223 }
const never = new AbortController().signal

function dialer(port: number, credentials?: { user: string; password: string }): ReturnType<typeof socks5Dial> {
  return socks5Dial({ proxy: { host: "127.0.0.1", port }, dial: tcpDial(), credentials })
}

test("the name goes to the proxy, and what follows the reply stays in the stream", async () => {
  const after = Buffer.from("after").toString("hex")
  const port = await proxy([bytes("050100"), bytes("0500")], [request, bytes(`05000001000000000000${after}`)])
  const stream = await dialer(port)(target, never)
  const [chunk] = (await once(stream, "data")) as [Buffer]
  expect(chunk.toString()[0]).toBe("a")
  stream.destroy()
})

test("user name and password, and a reply with a host name", async () => {
  const port = await proxy(
    [bytes("050102"), bytes("0502")],
    [bytes("0101750170"), bytes("0100")],
    [request, bytes("05000003026869ffff")],
  )
  const stream = await dialer(port, { user: "u", password: "p" })(target, never)
  stream.destroy()
})

test("refusals carry the reply code", async () => {
  const port = await proxy([bytes("050100"), bytes("0500")], [request, bytes("05040001000000000000")])
  await expect(dialer(port)(target, never)).rejects.toMatchObject({ name: "Socks5Error", code: 4 })
  const method = await proxy([bytes("050100"), bytes("05ff")])
  await expect(dialer(method)(target, never)).rejects.toMatchObject({ code: 0 } satisfies Partial<Socks5Error>)
  const login = await proxy([bytes("050102"), bytes("0502")], [bytes("0101750170"), bytes("0101")])
  await expect(dialer(login, { user: "u", password: "p" })(target, never)).rejects.toThrow("credentials")
  const other = await proxy([bytes("050100"), bytes("0500")], [request, bytes("04000001")])
  await expect(dialer(other)(target, never)).rejects.toThrow("another protocol")
  const strange = await proxy([bytes("050100"), bytes("0500")], [request, bytes("05000009")])
  await expect(dialer(strange)(target, never)).rejects.toThrow("address type")
})

test("a proxy that hangs up, and names too long to ask for", async () => {
  const port = await proxy([bytes("99"), bytes("")])
  await expect(dialer(port)(target, never)).rejects.toThrow("closed")
  const open = await proxy([bytes("050100"), bytes("0500")])
  await expect(dialer(open)({ host: "a".repeat(256), port: 1 }, never)).rejects.toThrow("1 to 255")
})

test("a whole session goes through a proxy", async () => {
  await using server = await FakeServer.start({ respond: () => ({ tag: "PONG" }) })
  const asked: string[] = []
  const relay = createServer((socket) => {
    socket.once("data", () => {
      socket.write(bytes("0500"))
      socket.once("data", (chunk: Buffer) => {
        asked.push(chunk.subarray(5, -2).toString("latin1"))
        const onward = connectTcp(Number(server.address.port), "127.0.0.1")
        onward.on("error", () => socket.destroy())
        socket.on("error", () => onward.destroy())
        onward.once("connect", () => socket.write(bytes("05000001000000000000")))
        socket.pipe(onward).pipe(socket)
      })
    })
  })
  servers.push(relay)
  relay.listen(0, "127.0.0.1")
  await once(relay, "listening")
  const dial = dialer((relay.address() as AddressInfo).port)
  await using connection = await connect({ ...server.address, hosts: ["abc.onion"] }, { dial })
  await connection.ping()
  expect(asked).toEqual(["abc.onion"])
})

test("an aborted dial gives up at every stage", async () => {
  const port = await proxy([bytes("050100"), bytes("")])
  const stop = new AbortController()
  const dialing = dialer(port)(target, stop.signal)
  setImmediate(() => stop.abort(new Error("enough")))
  await expect(dialing).rejects.toThrow("enough")
  await expect(tcpDial()({ host: "127.0.0.1", port }, stop.signal)).rejects.toThrow("enough")
})

test("a port where nothing listens is an error", async () => {
  const server = createServer()
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, "close")
  await expect(tcpDial(false)({ host: "127.0.0.1", port }, never)).rejects.toThrow("ECONNREFUSED")
})
