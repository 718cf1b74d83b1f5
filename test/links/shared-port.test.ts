// The relay and the pages on one port: who sends a server name is a browser, whoever sends none speaks SMP.
import { X509Certificate } from "node:crypto"
import { once } from "node:events"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { connect as connectTls, type TLSSocket } from "node:tls"
import { loadSettings, placeOf } from "@sluice/cli/place"
import { localFingerprint } from "@sluice/cli/relay-address"
import { readRunRecord } from "@sluice/cli/run-record"
import { programWithPages } from "@sluice/cli/serve/with-pages"
import { nativeCrypto } from "@sluice/crypto/native"
import type { Program } from "@sluice/ops/lifecycle"
import { connect } from "@sluice/smp-client/connect"
import { createIdentity, identityFiles } from "@sluice/transport/certificates"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { temporaryFolder } from "../../packages/cli/test/sluice.ts"
import { makeAddress } from "./address.ts"

const NEVER = new AbortController().signal

describe("one port for SMP and pages", () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let program: Program
  let port: number
  let keyHash: Uint8Array

  beforeAll(async () => {
    folder = await temporaryFolder()
    const request = { host: "localhost", now: Math.floor(Date.now() / 1000) }
    for (const name of ["identity", "web"]) {
      await createIdentity(nativeCrypto, identityFiles(join(folder.path, name)), request)
    }
    const place = placeOf({ data: folder.path }, {})
    const settings = loadSettings(place, {
      ...{
        "relay.bind": ["127.0.0.1"],
        "relay.port": 0,
        "admin.port": 0,
        "store.kind": "memory",
        "log.level": "error",
      },
      ...{ "links.enabled": true, "links.port": 0, "links.on_relay_port": true },
      ...{ "links.certificate": "web/server.crt", "links.key": "web/server.key" },
    })
    program = await programWithPages(place, settings)
    await program.service.start(NEVER)
    port = (await readRunRecord(place))?.port ?? 0
    keyHash = await localFingerprint(place, settings)
  })

  afterAll(async () => {
    await program?.service.stop(AbortSignal.timeout(5000))
    await folder?.[Symbol.asyncDispose]()
  })

  /** Connects as a browser would: with a server name. */
  async function browserSocket(protocols: readonly string[]): Promise<TLSSocket> {
    const socket = connectTls({
      ...{ host: "127.0.0.1", port, servername: "localhost", rejectUnauthorized: false },
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
    expect(shown).toBe(new X509Certificate(await readFile(join(folder.path, "web", "server.crt"))).fingerprint256)
  })

  it.each(["smp/1", "http/1.1"])("speaks SMP with clients without one: %s", async (protocol) => {
    const address = { hosts: ["127.0.0.1"], port: String(port), keyHash }
    await using client = await connect(address, { protocols: [protocol] })
    await client.ping()
    expect(client.session.version).toBeGreaterThan(6)
  })

  it("previews an address of the relay on that same port", async () => {
    const server = { hosts: ["localhost"], port: String(port), keyHash }
    await using client = await connect({ ...server, hosts: ["127.0.0.1"] })
    const { linkId } = await makeAddress(client, server)
    const id = Buffer.from(linkId).toString("base64url")
    const answer = await get(await browserSocket(["http/1.1"]), `/api/link/localhost/${id}`)
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    expect(answer).toContain("content-type: application/octet-stream")
  })

  it("refuses a browser that speaks none of its protocols", async () => {
    await expect(browserSocket(["smp/1"])).rejects.toThrow(/alert|ALPN|no application protocol/i)
  })

  it("ends soon, also with a browser that keeps its connection", async () => {
    const socket = await browserSocket(["http/1.1"])
    socket.write("GET /a HTTP/1.1\r\nhost: localhost\r\n\r\n")
    await once(socket, "data")
    const closed = once(socket.resume(), "close")
    await program.service.stop(AbortSignal.timeout(20_000))
    await closed
  }, 8_000)
})
