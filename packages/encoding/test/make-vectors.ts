/**
 * Prints the project's own vectors: `node packages/encoding/test/make-vectors.ts > test/vectors/encoding.json`.
 * The inputs are below, the results are what this package makes of them, in the format of `vector-format.ts`.
 */
import { decodeBase64Url, encodeBase64Url } from "../src/base64url.ts"
import { fromHex, toHex } from "../src/bytes.ts"
import { DecodeError, EncodeError } from "../src/errors.ts"
import { parseHost, readHost, writeHost } from "../src/host.ts"
import { pad, unpad } from "../src/padding.ts"
import { decodeWhole } from "../src/reader.ts"
import {
  formatLegacyServerAddress,
  formatServerAddress,
  parseServerAddress,
  readServer,
  type ServerAddress,
  writeLegacyServer,
  writeServer,
} from "../src/server-address.ts"
import { parseWhole } from "../src/strings.ts"
import {
  capRange,
  compatibleVersion,
  formatVersionRange,
  intersect,
  parseVersionRange,
  readVersionRange,
  versionRange,
  versionRangeToJson,
  writeVersionRange,
} from "../src/version.ts"
import { encodeWith } from "../src/writer.ts"
import type { EncodingVectors } from "./vector-format.ts"
import * as inputs from "./vector-inputs.ts"
import { binaryType, stringType } from "./vector-types.ts"

type Pair = readonly [number, number]

/** What `make` gives, or the fact that it refuses. */
function outcome<T extends object>(make: () => T): T | { error: true } {
  try {
    return make()
  } catch (error) {
    if (error instanceof DecodeError || error instanceof EncodeError) return { error: true }
    throw error
  }
}

function show(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value)
}

function makeServer([scheme, hosts, port, keyHash, basicAuth]: (typeof inputs.servers)[number]) {
  const password = basicAuth ?? undefined
  const address: ServerAddress = { scheme, hosts, port, keyHash: fromHex(keyHash), password }
  const string = formatServerAddress(address)
  const back = parseServerAddress(string)
  return {
    name: string,
    scheme,
    hosts,
    port,
    keyHash,
    basicAuth,
    string,
    smp: toHex(encodeWith((w) => writeServer(w, address))),
    legacySmp: toHex(encodeWith((w) => writeLegacyServer(w, address))),
    legacyString: formatLegacyServerAddress(address),
    parsedBack: { same: show(back.hosts) === show(hosts) && back.port === port },
  }
}

function parseAny(input: string) {
  const address = parseServerAddress(input)
  const hosts = address.hosts.map((host) => parseHost(host.includes(":") ? `[${host}]` : host))
  const { scheme, port, keyHash, password } = address
  return {
    value: { scheme, hosts, port, keyHash: toHex(keyHash), basicAuth: password ?? null },
    string: formatServerAddress(address),
  }
}

function compare(a: Pair, b: Pair) {
  const [first, second] = [versionRange(...a), versionRange(...b)]
  return {
    name: `${a} with ${b}`,
    a,
    b,
    version: compatibleVersion(first, second) ?? null,
    range: intersect(first, second) ?? null,
    isCompatible: intersect(first, second) !== undefined,
  }
}

const made: EncodingVectors = {
  primitives: inputs.primitives.map(([type, value]) => ({
    name: `${type} ${show(value)}`,
    type,
    value,
    hex: toHex(encodeWith((w) => binaryType(type).write(w, value))),
  })),
  decode: inputs.decode.map(([type, hex]) => ({
    name: `${type} ${hex}`,
    type,
    hex,
    ...outcome(() => ({ value: decodeWhole(fromHex(hex), (r) => binaryType(type).read(r)) })),
  })),
  pad: inputs.padding.map(([message, paddedLength]) => ({
    name: `${message} to ${paddedLength}`,
    message,
    paddedLength,
    ...outcome(() => ({ padded: toHex(pad(fromHex(message), paddedLength)) })),
  })),
  unpad: inputs.padded.map((padded) => ({
    name: padded,
    padded,
    ...outcome(() => ({ message: toHex(unpad(fromHex(padded))) })),
  })),
  base64Encode: inputs.base64Bytes.map((hex) => ({ name: hex, hex, string: encodeBase64Url(fromHex(hex)) })),
  base64Decode: inputs.base64Texts.map((input) => ({
    name: input,
    input,
    token: outcome(() => ({ hex: toHex(parseWhole(input, (r) => r.bytes())) })),
    strDecode: outcome(() => ({ hex: toHex(decodeBase64Url(input)) })),
  })),
  strings: inputs.strings.map(([type, value]) => ({
    name: `${type} ${show(value)}`,
    type,
    value,
    string: stringType(type).format(value),
  })),
  stringDecode: inputs.stringTexts.map(([type, input]) => ({
    name: `${type} ${input}`,
    type,
    input,
    ...outcome(() => ({ value: parseWhole(input, (r) => stringType(type).parse(r)) })),
  })),
  versionRanges: inputs.ranges.map(([min, max]) => {
    const range = versionRange(min, max)
    return {
      name: `${min}-${max}`,
      min,
      max,
      hex: toHex(encodeWith((w) => writeVersionRange(w, range))),
      string: formatVersionRange(range),
      json: JSON.stringify(versionRangeToJson(range)),
    }
  }),
  versionRangeDecode: inputs.rangeBytes.map((hex) => ({
    name: hex,
    hex,
    ...outcome(() => ({ value: decodeWhole(fromHex(hex), readVersionRange) })),
  })),
  versionRangeStringDecode: inputs.rangeTexts.map((input) => ({
    name: input,
    input,
    ...outcome(() => ({ value: parseVersionRange(input) })),
  })),
  versionCompatible: inputs.ranges.flatMap((a) => inputs.ranges.map((b) => compare(a, b))),
  versionCapped: inputs.ranges.flatMap((range) =>
    inputs.caps.map((version) => ({
      name: `${range} capped ${version}`,
      range,
      version,
      result: capRange(versionRange(...range), version) ?? null,
    })),
  ),
  hosts: inputs.hosts.map((input) => ({
    name: input,
    input,
    ...outcome(() => {
      const value = parseHost(input)
      return { value, smp: toHex(encodeWith((w) => writeHost(w, value.text))) }
    }),
  })),
  hostDecode: inputs.hostBytes.map((hex) => ({
    name: hex,
    hex,
    ...outcome(() => ({ value: parseHost(decodeWhole(fromHex(hex), readHost)) })),
  })),
  servers: inputs.servers.map(makeServer),
  serverParse: inputs.addresses.map((input) => ({
    name: input,
    input,
    anyWithAuth: outcome(() => parseAny(input)),
    smpNoAuth: outcome(() => ({
      string: formatServerAddress(parseServerAddress(input, { scheme: "smp", password: "refused" })),
    })),
  })),
  serverDecode: inputs.serverBytes.map((hex) => ({
    name: hex,
    hex,
    ...outcome(() => {
      const { hosts, port, keyHash } = decodeWhole(fromHex(hex), readServer)
      return { value: { hosts, port, keyHash: toHex(keyHash) } }
    }),
  })),
}

const source = "made by packages/encoding/test/make-vectors.ts"
process.stdout.write(`${JSON.stringify({ source, ...made }, undefined, 2)}\n`)
