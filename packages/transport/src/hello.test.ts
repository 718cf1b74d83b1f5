import { publicKey } from "@sluice/crypto/keys"
import { nativeCrypto as c } from "@sluice/crypto/native"
import { signKey } from "@sluice/crypto/signed-object"
import { concatBytes } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import type { TransportErrorCode } from "@sluice/smp-protocol/errors"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { goodChain } from "../test/chains.ts"
import {
  type ClientHello,
  decodeClientHello,
  decodeServerHello,
  decodeServiceResponse,
  encodeClientHello,
  encodeServerHello,
  encodeServiceResponse,
  type ServerHello,
  type ServiceResponse,
} from "./hello.ts"

const certified = [1, 2, 4].map((length) => {
  const { chain, leafKey } = goodChain(length, length === 4 ? "ed448" : "ed25519")
  return { chain, signedKey: signKey(c, leafKey, c.generateKeyPair("ed25519").publicKey) }
})

const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((b) => new Uint8Array(b))
const key = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((raw) => publicKey("x25519", new Uint8Array(raw)))
const version = fc.integer({ min: 6, max: 24 })

const serverHello: fc.Arbitrary<ServerHello> = fc
  .tuple(version, version, bytes(40), fc.constantFrom(undefined, ...certified))
  .map(([a, b, sessionId, certifiedKey]) => {
    const range = { min: Math.min(a, b), max: Math.max(a, b) }
    return range.max >= 7 ? { range, sessionId, key: certifiedKey } : { range, sessionId }
  })

const clientHello: fc.Arbitrary<ClientHello> = fc
  .record({
    version,
    keyHash: bytes(40),
    sessionKey: fc.option(key, { nil: undefined }),
    proxyServer: fc.boolean(),
    service: fc.option(
      fc.record({
        role: fc.constantFrom("M" as const, "N" as const, "P" as const),
        from: fc.constantFrom(...certified),
      }),
      { nil: undefined },
    ),
  })
  .map(({ service, ...hello }) => ({
    ...hello,
    sessionKey: hello.version >= 7 ? hello.sessionKey : undefined,
    proxyServer: hello.version >= 14 && hello.proxyServer,
    service: hello.version >= 16 && service !== undefined ? { role: service.role, ...service.from } : undefined,
  }))

const serviceResponse: fc.Arbitrary<ServiceResponse> = fc.oneof(
  bytes(255).map((serviceId) => ({ accepted: true as const, serviceId })),
  fc
    .constantFrom<TransportErrorCode>("HANDSHAKE BAD_AUTH", "HANDSHAKE BAD_SERVICE", "VERSION", "SESSION", "NO_AUTH")
    .map((error) => ({ accepted: false as const, error })),
)

const future = bytes(20)

describe("hellos", () => {
  it("of servers come back as they were, whatever follows", () => {
    fc.assert(
      fc.property(serverHello, future, (hello, rest) => {
        const decoded = decodeServerHello(concatBytes(encodeServerHello(hello), rest))
        // Without a key there is no telling it from what follows, unless that is none.
        expect(decoded).toEqual(hello.key === undefined && hello.range.max >= 7 ? { ...hello, key: undefined } : hello)
      }),
      { numRuns: 100 },
    )
  })

  it("of clients come back as they were, whatever follows", () => {
    fc.assert(
      fc.property(clientHello, future, (hello, rest) => {
        const content = encodeClientHello(hello)
        expect(decodeClientHello(content)).toEqual(hello)
        // At v7 to v13 a missing key is the end of the hello, so what follows could be one; later versions say more.
        if (hello.sessionKey !== undefined || hello.version < 7 || hello.version >= 14) {
          expect(decodeClientHello(concatBytes(content, rest))).toEqual(hello)
        }
      }),
      { numRuns: 100 },
    )
  })

  it("answers about services come back as they were", () => {
    fc.assert(
      fc.property(serviceResponse, (response) => {
        expect(decodeServiceResponse(encodeServiceResponse(response))).toEqual(response)
      }),
    )
  })

  it("that are cut anywhere or are noise end in DecodeError or in less than was sent", () => {
    const decoders = [decodeServerHello, decodeClientHello, decodeServiceResponse]
    const contents = [
      ...certified.map((k) => encodeServerHello({ range: { min: 6, max: 20 }, sessionId: new Uint8Array(32), key: k })),
      ...certified.map((k) =>
        encodeClientHello({
          version: 20,
          keyHash: new Uint8Array(32),
          sessionKey: c.generateKeyPair("x25519").publicKey,
          proxyServer: false,
          service: { role: "M", ...k },
        }),
      ),
    ]
    const cut = fc.tuple(fc.constantFrom(...contents), fc.nat(700)).map(([content, at]) => content.subarray(0, at))
    const changed = fc
      .tuple(fc.constantFrom(...contents), fc.nat(), fc.nat(255))
      .map(([content, at, value]) => content.with(at % content.length, value))
    fc.assert(
      fc.property(fc.oneof(cut, changed, fc.uint8Array({ maxLength: 200 })), (content) => {
        for (const decode of decoders) {
          try {
            decode(content)
          } catch (error) {
            expect(error).toBeInstanceOf(DecodeError)
          }
        }
      }),
      { numRuns: 500 },
    )
  })

  it("of servers keep their range and session id when the key is not readable", () => {
    const [good] = certified
    if (good === undefined) return
    const hello = { range: { min: 6, max: 20 }, sessionId: Uint8Array.of(1) }
    const broken = [
      { ...good, chain: [Uint8Array.of(1)] },
      { ...good, signedKey: Uint8Array.of(1) },
      { ...good, signedKey: good.chain[0] ?? new Uint8Array() },
    ]
    for (const key of broken) {
      expect(decodeServerHello(encodeServerHello({ ...hello, key }))).toEqual({ ...hello, key: undefined })
    }
  })

  it("of clients with an unknown role or a service that does not parse are refused", () => {
    const [good] = certified
    if (good === undefined) return
    const hello = { version: 20, keyHash: new Uint8Array(32), proxyServer: false }
    const unknown = encodeClientHello({ ...hello, service: { role: "M", ...good } })
    unknown[unknown.indexOf(0x4d)] = 0x58
    expect(() => decodeClientHello(unknown)).toThrow(DecodeError)
    const broken = encodeClientHello({ ...hello, service: { role: "M", ...good, chain: [Uint8Array.of(1)] } })
    expect(() => decodeClientHello(broken)).toThrow(DecodeError)
  })
})
