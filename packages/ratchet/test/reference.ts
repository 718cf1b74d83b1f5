import { fromHex, toHex } from "@sluice/encoding/bytes"
import { Reader } from "@sluice/encoding/reader"
import type { BytesValue, OutputValue } from "../../crypto/test/vector-values.ts"
import { RatchetError, type RatchetProblem } from "../src/errors.ts"
import type { OwnKem, OwnKeys } from "../src/keys.ts"
import type { SkippedChange, SkippedKey } from "../src/skipped.ts"
import { type KeyValue, x448Pair } from "./replay.ts"

// The shapes of the reference's ratchet.json and ratchet-pq.json, and its names in this package's terms.

/** A parsed JSON object whose inside is compared as a whole. */
export type Json = Readonly<Record<string, unknown>>

export interface SkippedValue {
  readonly headerKey: string
  readonly n: number
  readonly messageKey: string
  readonly iv: string
}

export interface InitParams {
  readonly assocData: string
  readonly assocDataSha256: string
  readonly sk: string
  readonly hk: string
  readonly nhk: string
  readonly kemAccepted: { readonly peerKey: string; readonly sharedSecret: string; readonly ciphertext: string } | null
}

export interface PartyValue {
  readonly kemPrivate: string | null
  readonly params: string
  readonly initParams: InitParams
  readonly state: Json
}

export interface EncryptStep {
  readonly op: "encrypt"
  readonly party: "initiator" | "joiner"
  readonly name: string
  readonly pqEncryption: boolean | null
  readonly supportedVersion: number
  readonly paddedLength: number
  readonly plaintext: BytesValue
  readonly error?: string
  readonly message: string
  readonly messageLength: number
  readonly encHeaderLength: number
  readonly headerVersion: number
  readonly headerKey: string
  readonly headerIV: string
  readonly headerPlain: string
  readonly messageKey: string
  readonly messageIV: string
  readonly stateAfter: Json
}

export interface DecryptStep {
  readonly op: "decrypt"
  readonly party: "initiator" | "joiner"
  readonly name: string
  /** A changed message; otherwise it is the one of this name. */
  readonly message?: string
  readonly plaintext: OutputValue
  readonly error?: string
  readonly stateChanged: boolean
  readonly sndKEM: boolean
  readonly rcvKEM: boolean
  readonly skippedAfter: readonly SkippedValue[]
  readonly skippedDiff: SkippedDiff
  readonly stateAfter: Json
}

export type SkippedDiff =
  | { readonly type: "noChange" }
  | { readonly type: "add"; readonly keys: readonly SkippedValue[] }
  | { readonly type: "remove"; readonly headerKey: string; readonly n: number }

export interface Scenario {
  readonly name: string
  readonly e2eVersion: number
  readonly ratchetVersions: readonly [number, number]
  readonly initiator: PartyValue & { readonly r1: KeyValue; readonly r2: KeyValue; readonly pqSupport: boolean }
  readonly joiner: PartyValue & { readonly s1: KeyValue; readonly s2: KeyValue; readonly d: KeyValue }
  readonly steps: readonly (EncryptStep | DecryptStep)[]
}

/** Own keys from a vector file. Its private KEM: `P`, or `A` ciphertext secret, then the key pair. */
export function ownKeys(key1: KeyValue, key2: KeyValue, kemPrivate: string | null): OwnKeys {
  return { key1: x448Pair(key1), key2: x448Pair(key2), kem: ownKem(kemPrivate) }
}

function ownKem(hex: string | null): OwnKem | undefined {
  if (hex === null || hex === "") return undefined
  const r = new Reader(fromHex(hex))
  const accepts = r.u8("tag") === 0x41
  const accepted = accepts ? { ciphertext: r.large("ciphertext"), sharedSecret: r.short("secret") } : undefined
  const pair = { publicKey: r.large("public key"), secretKey: r.large("secret key") }
  r.end()
  return { pair, accepted }
}

/** The reference's name of a failure as this package's problem. */
export function problemOf(error: string): RatchetProblem {
  const [name = "", count] = error.split(" ")
  if (name === "CERatchetEarlierMessage") return { code: "EARLIER", count: Number(count) }
  if (name === "CERatchetTooManySkipped") return { code: "TOO_MANY_SKIPPED", count: Number(count) }
  const code = {
    CERatchetState: "NO_SENDING_CHAIN",
    CERatchetHeader: "HEADER",
    CERatchetDuplicateMessage: "DUPLICATE",
    CERatchetKEMState: "KEM_STATE",
    CryptoHeaderError: "HEADER_SYNTAX",
    AESDecryptError: "DECRYPT",
    CryptoLargeMsgError: "LARGE_MESSAGE",
  }[name] as "HEADER" | undefined
  if (code === undefined) throw new Error(`no problem for ${error}`)
  return { code }
}

/** The problem that `run` fails with; anything but a `RatchetError` fails the test. */
export function problemThrown(run: () => unknown): RatchetProblem {
  try {
    run()
  } catch (error) {
    if (error instanceof RatchetError) return error.problem
    throw error
  }
  throw new Error("no error")
}

export function skippedValue({ headerKey, number, messageKey, iv }: SkippedKey): SkippedValue {
  return { headerKey: toHex(headerKey), n: number, messageKey: toHex(messageKey), iv: toHex(iv) }
}

export function changeValue(change: SkippedChange): SkippedDiff {
  if (change.type === "none") return { type: "noChange" }
  if (change.type === "add") return { type: "add", keys: sorted(change.keys.map(skippedValue)) }
  return { type: "remove", headerKey: toHex(change.headerKey), n: change.number }
}

/** By header key and number, the order of the files. */
export function sorted(values: readonly SkippedValue[]): SkippedValue[] {
  return values.toSorted((a, b) => (a.headerKey === b.headerKey ? a.n - b.n : a.headerKey < b.headerKey ? -1 : 1))
}
