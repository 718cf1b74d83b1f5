// The relay and the pages on one port: who sends a server name is a browser, whoever sends none speaks SMP.
import { X509Certificate } from "node:crypto"
import { once } from "node:events"
import { readFile } from "node:fs/promises"
import { connect as connectTcp } from "node:net"
import { join } from "node:path"
import { connect as connectTls, type TLSSocket } from "node:tls"
import { connect } from "@sluice/smp-client/connect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { makeAddress } from "./address.ts"
import { SharedProgram } from "./shared-program.ts"

describe("one port for SMP and pages", () => {
  let shared: SharedProgram

  beforeAll(async () => {
    shared = await SharedProgram.start()
  })

  afterAll(() => shared?.[Symbol.asyncDispose]())

  /** Connects as a browser would: with a server name. */
  async function browserSocket(protocols: readonly string[]): Promise<TLSSocket> {
    const socket = connectTls({
      ...{ host: "127.0.0.1", port: shared.port, servername: "localhost", rejectUnauthorized: false },
      ALPNProtocols: [...protocols],
    })
    await once(socket, "secureConnect")
    return socket
  }

  async function get(socket: TLSSocket, path: string): Promise<string> {
    const chunks: Buffer[] = []
    socket.on("data", (bytes: Buffer) => chunks.push(bytes))
    socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`)
    await once(socket, "close")
    return Buffer.concat(chunks).toString("latin1")
  }

  it.each([["http/1.1"], ["h2", "http/1.1"]])("gives pages to clients with a server name: %s", async (...protocols) => {
    const socket = await browserSocket(protocols)
    expect(socket.alpnProtocol).toBe("http/1.1")
    const answer = await get(socket, "/a")
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    expect(answer).toContain("strict-transport-security: max-age=")
    expect(answer).toContain('data-preview="on"')
  })

  it("shows browsers a certificate of their own", async () => {
    const socket = await browserSocket(["http/1.1"])
    const shown = socket.getPeerX509Certificate()?.fingerprint256
    socket.destroy()
    expect(shown).toBe(new X509Certificate(await readFile(join(shared.folder, "web", "server.crt"))).fingerprint256)
  })

  it.each(["smp/1", "http/1.1"])("speaks SMP with clients without one: %s", async (protocol) => {
    const address = { hosts: ["127.0.0.1"], port: String(shared.port), keyHash: shared.keyHash }
    await using client = await connect(address, { protocols: [protocol] })
    await client.ping()
    expect(client.session.version).toBeGreaterThan(6)
  })

  it("previews an address of the relay on that same port", async () => {
    const server = { hosts: ["localhost"], port: String(shared.port), keyHash: shared.keyHash }
    await using client = await connect({ ...server, hosts: ["127.0.0.1"] })
    const { linkId } = await makeAddress(client, server)
    const id = Buffer.from(linkId).toString("base64url")
    const answer = await get(await browserSocket(["http/1.1"]), `/api/link/localhost/${id}`)
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    expect(answer).toContain("content-type: application/octet-stream")
  })

  it("tells who may use the relay, and what it keeps", async () => {
    const page = await get(await browserSocket(["http/1.1"]), "/")
    for (const text of ["for everybody", "21 days", "nothing", "Sluice "]) expect(page).toContain(`<dd>${text}`)
  })

  it("counts readers behind a balancer by what its header says", async () => {
    await using balanced = await SharedProgram.start(undefined, {
      ...{ "limits.balancers": ["127.0.0.1"], "links.preview_burst": 1, "links.previews_per_minute": 1 },
    })
    const ask = async (source: string): Promise<string> => {
      const raw = connectTcp(balanced.port, "127.0.0.1")
      raw.write(`PROXY TCP4 ${source} 192.0.2.1 1 2\r\n`)
      const options = { servername: "localhost", rejectUnauthorized: false, ALPNProtocols: ["http/1.1"] }
      const socket = connectTls({ socket: raw, ...options })
      await once(socket, "secureConnect")
      return (await get(socket, `/api/link/localhost/${"A".repeat(32)}`)).slice(9, 12)
    }
    expect([await ask("198.51.100.1"), await ask("198.51.100.1"), await ask("198.51.100.2")]).toEqual([
      ...["404", "429", "404"],
    ])
  })

  it("refuses a browser that speaks none of its protocols", async () => {
    await expect(browserSocket(["smp/1"])).rejects.toThrow(/alert|ALPN|no application protocol/i)
  })

  it("ends soon, also with a browser that keeps its connection", async () => {
    const socket = await browserSocket(["http/1.1"])
    socket.write("GET /a HTTP/1.1\r\nhost: localhost\r\n\r\n")
    await once(socket, "data")
    const closed = once(socket.resume(), "close")
    await shared.program.service.stop(AbortSignal.timeout(20_000))
    await closed
  }, 8_000)
})
