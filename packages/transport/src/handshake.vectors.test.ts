import { duplexPair } from "node:stream"
import { nativeCrypto as c } from "@sluice/crypto/native"
import { fingerprint } from "@sluice/crypto/x509"
import { fromHex, toHex } from "@sluice/encoding/bytes"
import { pad, unpad } from "@sluice/encoding/padding"
import { describe, expect, it } from "vitest"
import {
  type CraftedHello,
  describeParams,
  HANDSHAKE_FILES,
  identityOf,
  leafKeyOf,
  pairOf,
  type VectorBlock,
  type VectorHandshake,
  type VectorParams,
} from "../test/handshake-vectors.ts"
import { BLOCK_SIZE, BlockStream } from "./block-stream.ts"
import { clientHandshake, type ServiceIdentity } from "./client-handshake.ts"
import type { Credentials } from "./credentials.ts"
import { TransportError } from "./errors.ts"
import {
  decodeClientHello,
  decodeServerHello,
  decodeServiceResponse,
  encodeClientHello,
  encodeServerHello,
  encodeServiceResponse,
} from "./hello.ts"
import { announcedRange } from "./negotiation.ts"
import { type PresentedService, serverHandshake } from "./server-handshake.ts"
import type { ClientSession, ServerSession } from "./session.ts"

/** A stream that remembers the blocks written to it. */
function recorded(stream: BlockStream): { stream: BlockStream; blocks: Uint8Array[] } {
  const blocks: Uint8Array[] = []
  const write = stream.write.bind(stream)
  stream.write = (block): boolean => {
    blocks.push(new Uint8Array(block))
    return write(block)
  }
  return { stream, blocks }
}

function describeBlock(block: Uint8Array): VectorBlock {
  return { length: block.length, sha256: toHex(c.sha256(block)), content: toHex(unpad(block)) }
}

function serviceIdentity(vector: VectorHandshake, messagingFrom: number): { service?: ServiceIdentity } {
  const { service } = vector
  if (service === null) return {}
  const chain = service.chain.map(fromHex)
  // Not `serviceCredentials`: some vectors sign with another key than the leaf's.
  const credentials: Credentials = {
    chain,
    leafKey: leafKeyOf(service.leafKey),
    fingerprint: fingerprint(c, chain[1] ?? chain[0] ?? new Uint8Array()),
    notBefore: 0,
    notAfter: 0,
    chainPem: "",
    leafKeyPem: "",
  }
  const identity = {
    role: service.role,
    credentials,
    sentInTls: service.certificateSentInTls,
    sessionKey: pairOf(service.sessionKey, "ed25519"),
  }
  return { service: service.role === "M" ? { ...identity, minVersion: messagingFrom } : identity }
}

interface Replay {
  readonly server: ServerSession | TransportError
  readonly client: ClientSession | TransportError
  readonly serverBlocks: Uint8Array[]
  readonly clientBlocks: Uint8Array[]
  readonly presented: PresentedService[]
}

function serviceIdIn(params: VectorParams): Uint8Array | undefined {
  return params.service === null || typeof params.service !== "object" ? undefined : fromHex(params.service.serviceId)
}

async function replay(vector: VectorHandshake, credentials: Credentials, messagingFrom: number): Promise<Replay> {
  const [serverEnd, clientEnd] = duplexPair()
  const server = recorded(new BlockStream(serverEnd))
  const client = recorded(new BlockStream(clientEnd))
  const presented: PresentedService[] = []
  const clientGone = new AbortController()
  const [min, max] = vector.serverRange
  const serverDone = serverHandshake(server.stream, {
    crypto: c,
    credentials,
    sessionId: fromHex(vector.sessionId),
    range: announcedRange({ min, max }, vector.alpn),
    clientChain: vector.service?.tlsChain.map(fromHex) ?? [],
    sessionKey: pairOf(vector.serverSessionKey, "x25519"),
    signal: clientGone.signal,
    lookUpService: async (service) => {
      presented.push(service)
      return vector.server.error === undefined ? serviceIdIn(vector.server) : undefined
    },
  }).catch(asTransportError)
  const clientDone = clientHandshake(client.stream, {
    crypto: c,
    keyHash: fromHex(vector.clientKeyHash),
    sessionId: fromHex(vector.clientSessionId),
    serverChain: credentials.chain,
    range: { min: vector.clientRange[0], max: vector.clientRange[1] },
    proxyServer: vector.proxyServer,
    sessionKey: vector.clientSessionKey === null ? false : pairOf(vector.clientSessionKey, "x25519"),
    ...serviceIdentity(vector, messagingFrom),
  }).catch(asTransportError)
  const clientResult = await clientDone
  if (clientResult instanceof TransportError) clientGone.abort()
  return {
    server: await serverDone,
    client: clientResult,
    serverBlocks: server.blocks,
    clientBlocks: client.blocks,
    presented,
  }
}

function asTransportError(error: unknown): TransportError {
  if (error instanceof TransportError) return error
  throw error
}

function expectServer(result: ServerSession | TransportError, expected: VectorParams): void {
  if (expected.error !== undefined) {
    const silent = expected.error.startsWith("no answer")
    expect(result).toMatchObject(
      silent ? { problem: { kind: "closed" } } : { problem: { kind: "protocol", error: expected.error } },
    )
    return
  }
  if (result instanceof TransportError) throw result
  const { service, ...params } = expected
  expect(describeParams(result)).toEqual(params)
  const found = result.service && {
    serviceId: toHex(result.service.serviceId),
    certHash: toHex(result.service.fingerprint),
  }
  expect(found ?? null).toEqual(service)
}

function expectClient(result: ClientSession | TransportError, expected: VectorParams): void {
  if (expected.error !== undefined) {
    expect(result).toMatchObject({ problem: { kind: "protocol", error: expected.error } })
    return
  }
  if (result instanceof TransportError) throw result
  const { service, ...params } = expected
  expect(describeParams(result)).toEqual(params)
  expect(result.service ? toHex(result.service.serviceId) : null).toEqual(service)
}

describe.each(HANDSHAKE_FILES)("handshakes of $file", ({ content: file, range, messagingServiceFrom }) => {
  it.skipIf(file === undefined)("has vectors", () => {
    expect(file?.handshakes.length).toBeGreaterThan(20)
    expect(file?.craftedClientHello.length).toBeGreaterThan(5)
    expect(file?.serverIdentities.length).toBeGreaterThan(0)
  })

  it.skipIf(file === undefined).each([...(file?.serverIdentities ?? [])])("identity $alg", (identity) => {
    if (file === undefined) return
    expect(toHex(identityOf(file, identity.alg).fingerprint)).toBe(identity.keyHash)
  })

  it.skipIf(file === undefined).each([...(file?.handshakes ?? [])])("$name", async (vector) => {
    if (file === undefined) return
    const result = await replay(vector, identityOf(file, vector.serverIdentity), messagingServiceFrom)
    expect(result.serverBlocks.map(describeBlock)).toEqual(vector.serverBlocks)
    expect(result.clientBlocks.map(describeBlock)).toEqual(vector.clientBlocks)
    expectServer(result.server, vector.server)
    expectClient(result.client, vector.client)
    for (const service of result.presented) expect(service.role).toBe(vector.service?.role)
  })

  it.skipIf(file === undefined).each([...(file?.handshakes ?? [])])("$name: contents encode as decoded", (vector) => {
    const [serverHello, response] = vector.serverBlocks
    const [clientHello] = vector.clientBlocks
    if (serverHello !== undefined) {
      expect(toHex(encodeServerHello(decodeServerHello(fromHex(serverHello.content))))).toBe(serverHello.content)
    }
    if (clientHello !== undefined) {
      expect(toHex(encodeClientHello(decodeClientHello(fromHex(clientHello.content))))).toBe(clientHello.content)
    }
    if (response !== undefined) {
      const decoded = decodeServiceResponse(fromHex(response.content))
      expect(toHex(encodeServiceResponse(decoded))).toBe(response.content)
    }
  })

  it.skipIf(file === undefined).each([...(file?.craftedClientHello ?? [])])("crafted hello: $name", async (vector) => {
    if (file === undefined) return
    const { result, blocks } = await answerTo(vector, identityOf(file, "Ed25519"), range)
    expect(blocks.length).toBe(vector.serverBlocks)
    expectServer(result, vector.server)
  })
})

async function answerTo(
  vector: CraftedHello,
  credentials: Credentials,
  range: { min: number; max: number },
): Promise<{ result: ServerSession | TransportError; blocks: Uint8Array[] }> {
  const [serverEnd, clientEnd] = duplexPair()
  const { stream, blocks } = recorded(new BlockStream(serverEnd))
  clientEnd.write(pad(fromHex(vector.clientHello), BLOCK_SIZE))
  const result = await serverHandshake(stream, {
    crypto: c,
    credentials,
    sessionId: fromHex(vector.sessionId),
    range,
    clientChain: [],
    sessionKey: pairOf(vector.serverSessionKey, "x25519"),
  }).catch(asTransportError)
  return { result, blocks }
}
