import { once } from "node:events"
import { type ConnectionOptions, createSecureContext } from "node:tls"
import { nativeCrypto as c } from "@sluice/crypto/native"
import { toHex } from "@sluice/encoding/bytes"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { goodChain, NOW } from "../test/chains.ts"
import { codeOf, Loopback, socketOf } from "../test/tls-loopback.ts"
import { webCertificate } from "../test/web-certificate.ts"
import { createServiceCredentials } from "./identity.ts"
import { clientTlsOptions, serverTlsOptions } from "./tls.ts"
import { acceptTls, channelBinding, credentialsInUse, isWebClient } from "./tls-connection.ts"

const credentials = goodChain(2)

describe("TLS of an SMP port", () => {
  let loopback: Loopback
  beforeAll(async () => {
    loopback = await Loopback.listen(serverTlsOptions(credentials))
  })
  afterAll(() => loopback[Symbol.asyncDispose]())

  const attempt = (options: ConnectionOptions = {}) => loopback.attempt({ ...clientTlsOptions(), ...options })

  it("is TLS 1.3 with ChaCha20, X448 and no server name, if nothing else is asked for", async () => {
    const { server, client } = await attempt()
    const socket = socketOf(client)
    expect(socket.getProtocol()).toBe("TLSv1.3")
    expect(socket.getCipher().name).toBe("TLS_CHACHA20_POLY1305_SHA256")
    expect(socket.getEphemeralKeyInfo()).toMatchObject({ name: "X448" })
    expect(isWebClient(socketOf(server))).toBe(false)
    expect(socket.alpnProtocol).toBe("smp/1")
  })

  it.each<[string, ConnectionOptions, string, string]>([
    ["TLS 1.2", { maxVersion: "TLSv1.2" }, "TLSv1.2", "ECDHE-ECDSA-CHACHA20-POLY1305"],
    ["X25519 alone", { ecdhCurve: "X25519" }, "TLSv1.3", "TLS_CHACHA20_POLY1305_SHA256"],
    [
      "X25519 first, so X448 is asked for again",
      { ecdhCurve: "X25519:X448" },
      "TLSv1.3",
      "TLS_CHACHA20_POLY1305_SHA256",
    ],
    ["Ed25519 alone", { sigalgs: "ed25519" }, "TLSv1.3", "TLS_CHACHA20_POLY1305_SHA256"],
    [
      "more ciphers",
      { ciphers: "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256" },
      "TLSv1.3",
      "TLS_CHACHA20_POLY1305_SHA256",
    ],
  ])("accepts a client with %s", async (_, options, protocol, cipher) => {
    const { client } = await attempt(options)
    expect(socketOf(client).getProtocol()).toBe(protocol)
    expect(socketOf(client).getCipher().name).toBe(cipher)
  })

  it.each<[string, ConnectionOptions, string]>([
    ["only AES", { ciphers: "TLS_AES_128_GCM_SHA256" }, "ERR_SSL_NO_SHARED_CIPHER"],
    ["only P-256", { ecdhCurve: "P-256" }, "ERR_SSL_NO_SUITABLE_KEY_SHARE"],
    ["only ECDSA signatures", { sigalgs: "ECDSA+SHA256" }, "ERR_SSL_NO_SHARED_SIGNATURE_ALGORITHMS"],
    [
      "TLS 1.1",
      { minVersion: "TLSv1.1", maxVersion: "TLSv1.1", ciphers: "ALL:@SECLEVEL=0" },
      "ERR_SSL_UNSUPPORTED_PROTOCOL",
    ],
  ])("refuses a client with %s", async (_, { sigalgs, ...options }, code) => {
    const { server, client } = await attempt({ ...options, ...(sigalgs === undefined ? {} : { sigalgs }) })
    expect(codeOf(server)).toBe(code)
    expect(codeOf(client)).toBeDefined()
  })

  it.each<[string, string[], string | false]>([
    ["smp/1", ["smp/1"], "smp/1"],
    ["h2", ["h2"], "h2"],
    ["http/1.1", ["http/1.1"], "http/1.1"],
    ["several, by the server's own preference", ["http/1.1", "h2"], "h2"],
    ["several with smp/1 last", ["http/1.1", "h2", "other", "smp/1"], "smp/1"],
    ["nothing", [], false],
  ])("ALPN: a client that offers %s", async (_, offered, expected) => {
    const { ALPNProtocols: __, ...options } = clientTlsOptions()
    const { server, client } = await loopback.attempt(
      offered.length === 0 ? options : { ...options, ALPNProtocols: offered },
    )
    expect(socketOf(client).alpnProtocol).toBe(expected)
    expect(acceptTls(socketOf(server), { crypto: c, now: NOW }).alpn).toBe(expected)
  })

  it("ALPN: a client that offers only unknown names gets the alert no_application_protocol", async () => {
    const { server, client } = await attempt({ ALPNProtocols: ["smp/2", "spdy"] })
    expect(codeOf(server)).toBe("ERR_SSL_NO_APPLICATION_PROTOCOL")
    expect(codeOf(client)).toBe("ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL")
  })

  it("ignores a server name where there is no web certificate", async () => {
    const { server, client } = await attempt({ servername: "relay.example" })
    expect(
      socketOf(client)
        .getPeerX509Certificate()
        ?.raw.equals(credentials.chain[0] ?? Buffer.alloc(0)),
    ).toBe(true)
    expect(isWebClient(socketOf(server))).toBe(true)
  })

  it.each([
    ["TLSv1.3", 32, false],
    ["TLSv1.2", 12, false],
    ["TLSv1.3", 32, true],
    ["TLSv1.2", 12, true],
  ] as const)(
    "%s: both sides have the same session id of %i bytes, client certificate %s",
    async (maxVersion, length, certified) => {
      const service = certified ? createServiceCredentials(c, { now: NOW }) : undefined
      const { server, client } = await loopback.attempt({ ...clientTlsOptions({ service }), maxVersion })
      const sessionId = channelBinding(socketOf(client).getFinished())
      expect(sessionId.length).toBe(length)
      const accepted = acceptTls(socketOf(server), { crypto: c, now: NOW })
      expect(toHex(accepted.sessionId)).toBe(toHex(sessionId))
      expect(accepted.clientChain).toEqual(service?.chain ?? [])
    },
  )

  it.each(["TLSv1.3", "TLSv1.2"] as const)(
    "%s: no session is resumed, though the client asks for it",
    async (maxVersion) => {
      const first = await attempt({ maxVersion })
      const socket = socketOf(first.client)
      const tickets: Buffer[] = []
      socket.on("session", (session) => tickets.push(session))
      socketOf(first.server).write("x")
      await once(socket, "data")
      const session = tickets.at(-1) ?? socket.getSession()
      expect(session).toBeDefined()
      const second = await attempt({ maxVersion, ...(session && { session }) })
      expect(socketOf(second.client).isSessionReused()).toBe(false)
      expect(socketOf(second.server).isSessionReused()).toBe(false)
      expect(socketOf(second.client).getFinished()).not.toEqual(socketOf(first.client).getFinished())
    },
  )

  it("needs a channel binding", () => {
    expect(() => channelBinding(undefined)).toThrow("TLS no channel binding")
    expect(() => channelBinding(new Uint8Array())).toThrow("TLS no channel binding")
  })

  it("delivers a block that is written at once as one chunk", async () => {
    const { server, client } = await attempt()
    socketOf(client).write(Buffer.alloc(16_384, 1))
    const [chunk] = (await once(socketOf(server), "data")) as [Buffer]
    expect(chunk.length).toBe(16_384)
  })
})

describe("a change of certificate", () => {
  it("is seen by new connections, and each knows which it has", async () => {
    const next = goodChain(2, "ed448")
    await using loopback = await Loopback.listen(serverTlsOptions(credentials))
    const before = await loopback.attempt(clientTlsOptions())
    loopback.setSecureContext(serverTlsOptions(next))
    const after = await loopback.attempt(clientTlsOptions())
    expect(credentialsInUse(socketOf(before.server), [next, credentials])).toBe(credentials)
    expect(credentialsInUse(socketOf(after.server), [credentials, next])).toBe(next)
    expect(credentialsInUse(socketOf(after.server), [credentials])).toBeUndefined()
    expect(
      socketOf(after.client)
        .getPeerX509Certificate()
        ?.raw.equals(next.chain[0] ?? Buffer.alloc(0)),
    ).toBe(true)
  })
})

describe("a port shared with a web server", () => {
  const web = goodChain(2)
  let loopback: Loopback
  beforeAll(async () => {
    const context = createSecureContext({ key: web.leafKeyPem, cert: web.chainPem })
    loopback = await Loopback.listen(serverTlsOptions(credentials, { web: { context: () => context } }))
  })
  afterAll(() => loopback[Symbol.asyncDispose]())

  it.each<[string, ConnectionOptions, typeof credentials, string | false]>([
    ["SMP client", {}, credentials, "smp/1"],
    ["SMP client of port 443", { ALPNProtocols: ["http/1.1"] }, credentials, "http/1.1"],
    ["SMP client with the older group alone", { ecdhCurve: "X25519" }, credentials, "smp/1"],
    ["browser", { servername: "relay.example", ALPNProtocols: ["h2", "http/1.1"] }, web, "h2"],
    ["browser without ALPN", { servername: "relay.example", ALPNProtocols: [] }, web, false],
  ])("shows a %s its own certificate", async (_, options, expected, alpn) => {
    const { server, client } = await loopback.attempt({ ...clientTlsOptions(), ...options })
    expect(
      socketOf(client)
        .getPeerX509Certificate()
        ?.raw.equals(expected.chain[0] ?? Buffer.alloc(0)),
    ).toBe(true)
    expect(isWebClient(socketOf(server))).toBe(expected === web)
    expect(socketOf(server).alpnProtocol).toBe(alpn)
  })

  it("speaks to browsers that have none of our parameters", async () => {
    const { client } = await loopback.attempt({
      ...clientTlsOptions({ protocols: ["http/1.1"] }),
      servername: "relay.example",
      ciphers: "TLS_AES_256_GCM_SHA384",
      ecdhCurve: "P-521",
    })
    expect(socketOf(client).getCipher().name).toBe("TLS_AES_256_GCM_SHA384")
  })

  it("offers browsers no smp/1", async () => {
    const { server } = await loopback.attempt({ ...clientTlsOptions(), servername: "relay.example" })
    expect(codeOf(server)).toBe("ERR_SSL_NO_APPLICATION_PROTOCOL")
  })

  it.each(["rsa", "ec"] as const)("takes %s certificates for the web", async (kind) => {
    const certificate = webCertificate(kind)
    const web = { context: () => createSecureContext(certificate), protocols: ["http/1.1"] }
    await using other = await Loopback.listen(serverTlsOptions(credentials, { web }))
    for (const maxVersion of ["TLSv1.3", "TLSv1.2"] as const) {
      const browser = { servername: "relay.example", rejectUnauthorized: false, ALPNProtocols: ["h2", "http/1.1"] }
      const { client } = await other.attempt({ ...browser, maxVersion })
      expect(socketOf(client).getProtocol()).toBe(maxVersion)
      expect(socketOf(client).alpnProtocol).toBe("http/1.1")
    }
    const { client } = await other.attempt(clientTlsOptions())
    expect(
      socketOf(client)
        .getPeerX509Certificate()
        ?.raw.equals(credentials.chain[0] ?? Buffer.alloc(0)),
    ).toBe(true)
  })
})
