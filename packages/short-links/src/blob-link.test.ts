import { readFileSync } from "node:fs"
import { join } from "node:path"
import { cbEncrypt, dhBoxKey } from "@sluice/crypto/box"
import { privateKey, publicKey } from "@sluice/crypto/keys"
import { nativeCrypto } from "@sluice/crypto/native"
import { portableCrypto } from "@sluice/crypto/portable"
import { concatBytes, EMPTY, fromHex, toHex, utf8 } from "@sluice/encoding/bytes"
import { openBlobAnswer, sealBlobAnswer } from "@sluice/smp-protocol/blob-answer"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { blobVectors } from "../test/blob-vectors.ts"
import { SERVER, sampleRequest } from "../test/samples.ts"
import {
  type BlobLink,
  blobLinkSecrets,
  formatBlobLink,
  looksLikeBlobLink,
  openBlobContent,
  parseBlobLink,
  sealBlobContent,
} from "./blob-link.ts"
import { parseConnectionLink } from "./connection-link.ts"
import { LinkError } from "./errors.ts"
import { formatFullLink } from "./full-link.ts"

const file = join(import.meta.dirname, "..", "..", "..", "test", "vectors", "blob-links.json")
const stored = JSON.parse(readFileSync(file, "utf8")) as { readonly links: readonly Record<string, string>[] }

describe("the vectors of docs/blob-links.md", () => {
  it("are what this code computes", () => {
    expect(JSON.parse(JSON.stringify(blobVectors()))).toEqual(stored)
    expect(stored.links.length).toBeGreaterThan(0)
  })

  it.each(stored.links)("$name: say the same read the other way round, on both back ends", (vector) => {
    const at = (field: string): Uint8Array => fromHex(vector[field] ?? "")
    const link = parseBlobLink(vector["link"] ?? "")
    expect(parseBlobLink(vector["linkOnSite"] ?? "")).toEqual(link)
    expect(toHex(link.key.raw)).toBe(vector["privateKey"])
    for (const c of [nativeCrypto, portableCrypto]) {
      const { readerKey, blobId, blobKey } = blobLinkSecrets(c, link.key)
      expect([readerKey.raw, blobId, blobKey].map(toHex)).toEqual([
        vector["readerKey"],
        vector["blobId"],
        vector["blobKey"],
      ])
      const content = openBlobContent(c, link, at("blob"))
      expect(formatFullLink(content.request)).toBe(vector["request"])
      expect(toHex(content.appData)).toBe(vector["appData"])
      const onServer = dhBoxKey(c, privateKey("x25519", at("serverSessionPrivateKey")), readerKey)
      const ofReader = dhBoxKey(c, link.key, publicKey("x25519", at("serverSessionKey")))
      const box = sealBlobAnswer(c, onServer ?? c.boxKey(EMPTY), at("corrId"), at("blob"))
      expect(toHex(c.sha256(box))).toBe(vector["boxSha256"])
      expect(openBlobAnswer(c, ofReader ?? c.boxKey(EMPTY), at("corrId"), box)).toEqual(at("blob"))
    }
  })
})

const c = nativeCrypto

function sample(kind: BlobLink["kind"]): BlobLink {
  const { hosts, port, keyHash } = SERVER
  return { kind, server: { hosts, port, keyHash }, key: c.generateKeyPair("x25519").privateKey }
}

function codeOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof LinkError) return error.code
    throw error
  }
  return "none"
}

describe("links to blobs", () => {
  it("are no short or full links, and those are none of these", () => {
    const link = sample("contact")
    const text = formatBlobLink(link)
    expect(text).toMatch(/^simplex:\/contact#\/[\w-]{43}=@smp\.example\.org,a\.example:5223\/[\w-]{43}$/)
    expect(looksLikeBlobLink(text)).toBe(true)
    expect(codeOf(() => parseConnectionLink(text))).toBe("SYNTAX")
    for (const other of [formatFullLink(sampleRequest(c, "contact")), "https://smp.example.org/a#AAAA", ""]) {
      expect(looksLikeBlobLink(other)).toBe(false)
      expect(codeOf(() => parseBlobLink(other))).toBe("SYNTAX")
    }
  })

  it("of hostile text are a link that can be written, or a LinkError", () => {
    const good = formatBlobLink(sample("invitation"))
    fc.assert(
      fc.property(fc.nat(good.length), fc.nat(3), fc.string({ maxLength: 4 }), (at, cut, put) => {
        const text = `${good.slice(0, at)}${put}${good.slice(at + cut)}`
        try {
          const link = parseBlobLink(text)
          expect(parseBlobLink(formatBlobLink(link))).toEqual(link)
        } catch (error) {
          expect(error).toBeInstanceOf(LinkError)
        }
      }),
      { numRuns: 300 },
    )
  })
})

describe("blobs", () => {
  const link = sample("contact")
  const content = { request: sampleRequest(c, "contact"), appData: EMPTY }
  const blob = sealBlobContent(c, link.key, content)

  it("open with their link only", () => {
    expect(openBlobContent(c, link, blob)).toEqual(content)
    expect(codeOf(() => openBlobContent(c, sample("contact"), blob))).toBe("DECRYPT")
    expect(codeOf(() => openBlobContent(c, { ...link, kind: "invitation" }, blob))).toBe("OTHER_KIND")
    expect(codeOf(() => openBlobContent(c, link, blob.subarray(1)))).toBe("DECRYPT")
  })

  it("do not open with any byte changed", () => {
    fc.assert(
      fc.property(fc.nat(blob.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = blob.slice()
        changed[at] = (changed[at] ?? 0) ^ flip
        expect(codeOf(() => openBlobContent(c, link, changed))).toBe("DECRYPT")
      }),
      { numRuns: 40 },
    )
  })

  it("with anything else in them are malformed, whatever it is", () => {
    const { blobKey } = blobLinkSecrets(c, link.key)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.boolean(), (bytes, begun) => {
        const content = begun ? concatBytes(utf8("C"), bytes) : bytes
        const nonce = c.randomBytes(24)
        const sealed = concatBytes(nonce, cbEncrypt(c, blobKey, nonce, content, 16_008))
        expect(codeOf(() => openBlobContent(c, link, sealed))).toBe("MALFORMED")
      }),
      { numRuns: 100 },
    )
  })

  it("have a largest size", () => {
    const large = { ...content, appData: new Uint8Array(16_000) }
    expect(codeOf(() => sealBlobContent(c, link.key, large))).toBe("TOO_LARGE")
  })
})
