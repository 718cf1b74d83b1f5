import { expect } from "vitest"
import { fromHex, toHex } from "../src/bytes.ts"
import { DecodeError } from "../src/errors.ts"
import { parseHost } from "../src/host.ts"
import { decodeWhole } from "../src/reader.ts"
import {
  formatLegacyServerAddress,
  formatServerAddress,
  parseServerAddress,
  readLegacyServer,
  readServer,
  type Server,
  type ServerAddress,
  writeLegacyServer,
  writeServer,
} from "../src/server-address.ts"
import { encodeWith } from "../src/writer.ts"
import type { EncodingVectors } from "./vector-format.ts"
import { each, refused } from "./vector-suite.ts"

/** The arrays about servers. */
export function serverSuite(vectors: EncodingVectors): void {
  each(vectors, "servers", (item) => {
    const { scheme, hosts, port } = item
    const keyHash = fromHex(item.keyHash)
    const address: ServerAddress = { scheme, hosts, port, keyHash, password: item.basicAuth ?? undefined }
    expect(formatServerAddress(address)).toBe(item.string)
    expect(formatLegacyServerAddress(address)).toBe(item.legacyString)
    expect(toHex(encodeWith((w) => writeServer(w, address)))).toBe(item.smp)
    expect(toHex(encodeWith((w) => writeLegacyServer(w, address)))).toBe(item.legacySmp)

    expect(shown(decodeWhole(fromHex(item.smp), readServer))).toEqual({ hosts, port, keyHash: item.keyHash })
    const [first] = hosts
    const legacy = decodeWhole(fromHex(item.legacySmp), readLegacyServer)
    expect(shown(legacy)).toEqual({ hosts: [first], port, keyHash: item.keyHash })

    const back = parseServerAddress(item.string)
    const same = JSON.stringify(addressShown(back)) === JSON.stringify(addressShown(address))
    expect(same).toBe(item.parsedBack.same)
  })

  each(vectors, "serverParse", ({ name, input, anyWithAuth, smpNoAuth }) => {
    const withoutPassword = () => parseServerAddress(input, { scheme: "smp", password: "refused" })
    if (refused("serverParse", name, smpNoAuth.error)) expect(withoutPassword).toThrow(DecodeError)
    else expect(formatServerAddress(withoutPassword())).toBe(smpNoAuth.string)

    if (refused("serverParse", name, anyWithAuth.error)) {
      expect(() => parseServerAddress(input)).toThrow(DecodeError)
    } else {
      const address = parseServerAddress(input)
      expect(addressShown(address)).toEqual(anyWithAuth.value)
      expect(formatServerAddress(address)).toBe(anyWithAuth.string)
    }
  })

  each(vectors, "serverDecode", ({ hex, value, error }) => {
    const decode = () => decodeWhole(fromHex(hex), readServer)
    if (error !== undefined) expect(decode).toThrow(DecodeError)
    else expect(shown(decode())).toEqual(value)
  })
}

function shown({ hosts, port, keyHash }: Server): unknown {
  return { hosts, port, keyHash: toHex(keyHash) }
}

function addressShown({ scheme, hosts, port, keyHash, password }: ServerAddress): unknown {
  // The dotted forms of IPv6 are readable only in brackets.
  const kinds = hosts.map((host) => parseHost(host.includes(":") ? `[${host}]` : host))
  return { scheme, hosts: kinds, port, keyHash: toHex(keyHash), basicAuth: password ?? null }
}
