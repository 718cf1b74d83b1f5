import { encodePublicKey, type PublicKey } from "@sluice/crypto/keys"
import { encodeBase64Url } from "@sluice/encoding/base64url"
import { fromLatin1, toHex, utf8 } from "@sluice/encoding/bytes"
import type { RecordingLog } from "@sluice/ops/recording-log"
import { expect } from "vitest"

/** What must stand in nothing that a service says to its operator. */
export class Secrets {
  readonly #all: (readonly [what: string, bytes: Uint8Array])[] = []

  get size(): number {
    return this.#all.length
  }

  /** Notes bytes or a text; nothing where there is none. */
  add(what: string, value: Uint8Array | string | undefined): void {
    if (value !== undefined) this.#all.push([what, typeof value === "string" ? utf8(value) : value])
  }

  /** Notes a key, raw and as it is encoded. */
  addKey(what: string, key: PublicKey): void {
    this.add(what, key.raw)
    this.add(what, encodePublicKey(key))
  }

  /** Looks for all of them, in all forms, in texts by their names. */
  expectNoneIn(texts: Readonly<Record<string, string>>): void {
    for (const [name, text] of Object.entries(texts)) {
      expect(text.length, `${name} say something`).toBeGreaterThan(0)
      for (const [what, bytes] of this.#all) {
        for (const form of formsOf(bytes)) expect(text.includes(form), `${name} name a ${what}`).toBe(false)
      }
    }
  }
}

/**
 * All that a log was given at the default level, with the texts of errors and their causes: more than is written, since those
 * are left out there.
 */
export function logged(log: RecordingLog): string {
  const said = log.entries.filter(({ level }) => level !== "debug")
  return JSON.stringify(said, (_, value) => (value instanceof Error ? everything(value) : value))
}

function everything(error: Error): string {
  const cause = error.cause instanceof Error ? everything(error.cause) : String(error.cause)
  return `${error.name} ${error.stack} ${cause}`
}

/** All ways in which bytes could be written that somebody could recognise. */
export function formsOf(bytes: Uint8Array): string[] {
  const hex = toHex(bytes)
  const url = encodeBase64Url(bytes)
  const standard = url.replaceAll("-", "+").replaceAll("_", "/")
  const unpadded = [url, standard].map((text) => text.replace(/=+$/, ""))
  const numbers = [...bytes].join(",")
  return [fromLatin1(bytes), hex, hex.toUpperCase(), ...unpadded, numbers, `[${numbers.replaceAll(",", ", ")}]`]
}
