import { createHash } from "node:crypto"
import { fromHex, toHex } from "../src/bytes.ts"

/** Bytes in a vector file: hex, or a repeated byte. */
export type BytesSpec = string | { readonly repeat: string; readonly length: number }

/** Bytes as an expected result: also a digest of long output. */
export type BytesResult = BytesSpec | { readonly length: number; readonly sha256: string; readonly first: string }

/** A result or a refusal; only the fact of an error is compared, its text is the business of each implementation. */
export type Outcome<T> = T & { readonly error?: unknown }

export interface HostSpec {
  readonly kind: string
  readonly text: string
}

export interface RangeSpec {
  readonly min: number
  readonly max: number
}

export interface AddressSpec {
  readonly scheme: "smp" | "ntf" | "xftp"
  readonly hosts: readonly HostSpec[]
  readonly port: string
  readonly keyHash: string
  readonly basicAuth: string | null
}

interface Named {
  readonly name: string
}

interface Typed extends Named {
  readonly type: string
}

type Pair = readonly [number, number]

/** The arrays of `encoding.json` that concern this package. */
export interface EncodingVectors {
  readonly primitives: readonly (Typed & { readonly value: unknown; readonly hex: string })[]
  readonly decode: readonly Outcome<Typed & { readonly hex: string; readonly value?: unknown }>[]
  readonly pad: readonly Outcome<
    Named & { readonly message: BytesSpec; readonly paddedLength: number; readonly padded?: BytesResult }
  >[]
  readonly unpad: readonly Outcome<Named & { readonly padded: BytesSpec; readonly message?: BytesResult }>[]
  readonly base64Encode: readonly (Named & { readonly hex: string; readonly string: string })[]
  readonly base64Decode: readonly (Named & {
    readonly input: string
    readonly token: Outcome<{ readonly hex?: string }>
    readonly strDecode: Outcome<{ readonly hex?: string }>
  })[]
  readonly strings: readonly (Typed & { readonly value: unknown; readonly string: string })[]
  readonly stringDecode: readonly Outcome<Typed & { readonly input: string; readonly value?: unknown }>[]
  readonly versionRanges: readonly (Named &
    RangeSpec & { readonly hex: string; readonly string: string; readonly json: string })[]
  readonly versionRangeDecode: readonly Outcome<Named & { readonly hex: string; readonly value?: RangeSpec }>[]
  readonly versionRangeStringDecode: readonly Outcome<Named & { readonly input: string; readonly value?: RangeSpec }>[]
  readonly versionCompatible: readonly (Named & {
    readonly a: Pair
    readonly b: Pair
    readonly version: number | null
    readonly range: RangeSpec | null
    readonly isCompatible: boolean
  })[]
  readonly versionCapped: readonly (Named & {
    readonly range: Pair
    readonly version: number
    readonly result: RangeSpec | null
  })[]
  readonly hosts: readonly Outcome<
    Named & { readonly input: string; readonly value?: HostSpec; readonly smp?: string }
  >[]
  readonly hostDecode: readonly Outcome<Named & { readonly hex: string; readonly value?: HostSpec }>[]
  readonly servers: readonly (Named & {
    readonly scheme: "smp" | "ntf" | "xftp"
    readonly hosts: readonly string[]
    readonly port: string
    readonly keyHash: string
    readonly basicAuth: string | null
    readonly string: string
    readonly smp: string
    readonly legacySmp: string
    readonly legacyString: string
    readonly parsedBack: { readonly same: boolean }
  })[]
  readonly serverParse: readonly (Named & {
    readonly input: string
    readonly anyWithAuth: Outcome<{ readonly value?: AddressSpec; readonly string?: string }>
    readonly smpNoAuth: Outcome<{ readonly string?: string }>
  })[]
  readonly serverDecode: readonly Outcome<
    Named & {
      readonly hex: string
      readonly value?: { readonly hosts: readonly string[]; readonly port: string; readonly keyHash: string }
    }
  >[]
}

/** The bytes that a vector file describes. */
export function bytesOf(spec: BytesSpec): Uint8Array {
  return fromHex(typeof spec === "string" ? spec : spec.repeat.repeat(spec.length))
}

/** Bytes in the notation in which `expected` gives them, so that both can be compared as values. */
export function shownLike(expected: BytesResult | undefined, bytes: Uint8Array): BytesResult {
  if (typeof expected !== "object") return toHex(bytes)
  if ("repeat" in expected) {
    const repeated = bytes.every((byte) => toHex(Uint8Array.of(byte)) === expected.repeat)
    return repeated ? { repeat: expected.repeat, length: bytes.length } : toHex(bytes)
  }
  const sha256 = createHash("sha256").update(bytes).digest("hex")
  return { length: bytes.length, sha256, first: toHex(bytes.subarray(0, 48)) }
}
