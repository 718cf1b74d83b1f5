import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { decoded, decodedInside } from "../test/hostile.ts"
import { DecodeError, EncodeError } from "./errors.ts"
import { decodeWhole } from "./reader.ts"
import {
  formatLegacyServerAddress,
  formatServerAddress,
  parseServerAddress,
  readLegacyServer,
  readServer,
  type ServerAddress,
  type ServerScheme,
  writeLegacyServer,
  writeServer,
} from "./server-address.ts"
import { encodeWith } from "./writer.ts"

const schemes = fc.constantFrom<ServerScheme>("smp", "ntf", "xftp")
const label = fc.string({ unit: fc.constantFrom(..."abcz019-"), minLength: 1, maxLength: 10 })
const host = fc.oneof(
  fc.ipV4(),
  fc.tuple(label, label).map(([a, b]) => `x${a}.${b}z`),
  fc.string({ unit: fc.constantFrom(..."abc234"), maxLength: 56 }).map((name) => `${name}.onion`),
)
const keyHash = fc.uint8Array({ minLength: 1, maxLength: 40 })
const port = fc.oneof(fc.constant(""), fc.nat(65_535).map(String))
const password = fc.string({ unit: fc.constantFrom(..."p4!$%^&*é,;#[]=\"'"), minLength: 1, maxLength: 12 })

const address: fc.Arbitrary<ServerAddress> = fc.record({
  scheme: schemes,
  keyHash,
  password: fc.option(password, { nil: undefined }),
  hosts: fc.array(host, { minLength: 1, maxLength: 4 }),
  port,
})

describe("server address", () => {
  it("round-trips as text", () => {
    fc.assert(
      fc.property(address, (server) => {
        const text = formatServerAddress(server)
        expect(parseServerAddress(text)).toEqual(server)
        expect(parseServerAddress(text, { scheme: server.scheme })).toEqual(server)
        const refusal = () => parseServerAddress(text, { password: "refused" })
        if (server.password === undefined) expect(refusal()).toEqual(server)
        else expect(refusal).toThrow(DecodeError)
        const legacy = parseServerAddress(formatLegacyServerAddress(server))
        expect(legacy).toEqual({ ...server, password: undefined, hosts: server.hosts.slice(0, 1) })
      }),
    )
  })

  it("round-trips in binary, current and legacy", () => {
    fc.assert(
      fc.property(address, ({ hosts, port, keyHash }) => {
        const server = { hosts, port, keyHash }
        expect(
          decodeWhole(
            encodeWith((w) => writeServer(w, server)),
            readServer,
          ),
        ).toEqual(server)
        const legacy = decodeWhole(
          encodeWith((w) => writeLegacyServer(w, server)),
          readLegacyServer,
        )
        expect(legacy).toEqual({ ...server, hosts: hosts.slice(0, 1) })
      }),
    )
  })

  it("answers any text with an address or DecodeError", () => {
    const piece = fc.constantFrom(
      "smp://",
      "ntf://",
      "ERER",
      "==",
      ":",
      "@",
      "a.b",
      "1.2.3.4",
      "[::1]",
      ",",
      "5223",
      "é",
      " ",
    )
    const likely = fc.array(piece, { maxLength: 12 }).map((parts) => `smp://${parts.join("")}`)
    fc.assert(
      fc.property(fc.oneof(likely, fc.string()), (text) => {
        const server = decoded(() => parseServerAddress(text))
        if (server !== undefined) expect(parseServerAddress(text.trimEnd())).toEqual(server)
      }),
      { numRuns: 2000 },
    )
  })

  it("answers damaged encodings with a server or DecodeError", () => {
    fc.assert(
      fc.property(address, fc.nat(), fc.nat(255), (server, at, byte) => {
        const bytes = encodeWith((w) => writeServer(w, server)).slice()
        bytes[at % bytes.length] = byte
        decodedInside(bytes, readServer)
        decodedInside(bytes.subarray(0, at % bytes.length), readServer)
        decodedInside(bytes, readLegacyServer)
      }),
    )
  })

  it("refuses other schemes where one is expected", () => {
    expect(() => parseServerAddress("ntf://ERER@a.b", { scheme: "smp" })).toThrow("other scheme")
    expect(() => parseServerAddress("http://ERER@a.b")).toThrow("unknown scheme")
  })

  it.each<[string, Partial<ServerAddress>]>([
    ["no host", { hosts: [] }],
    ["no key hash", { keyHash: new Uint8Array(0) }],
    ["an empty password", { password: "" }],
    ["a password with @", { password: "a@b" }],
    ["a port that is no number", { port: "x" }],
  ])("has no string form with %s", (_, change) => {
    const server: ServerAddress = { scheme: "smp", hosts: ["a.b"], port: "", keyHash: Uint8Array.of(1) }
    expect(() => formatServerAddress({ ...server, ...change })).toThrow(EncodeError)
  })

  it("has no binary form without a host", () => {
    const server = { hosts: [], port: "", keyHash: Uint8Array.of(1) }
    expect(() => encodeWith((w) => writeServer(w, server))).toThrow(EncodeError)
    expect(() => encodeWith((w) => writeLegacyServer(w, server))).toThrow(EncodeError)
  })
})
