import { nativeCrypto } from "@sluice/crypto/native"
import { fingerprint, parseCertificate } from "@sluice/crypto/x509"
import { encodeBase64Url } from "@sluice/encoding/base64url"
import { columns } from "./output.ts"

/** A certificate of a server's chain, as it is shown. */
export interface ShownCertificate {
  /** What its place in the chain makes it: used in connections, named by the address, or above that. */
  readonly role: "online" | "identity" | "issuer"
  /** `ed25519`, `ed448`, or `other`. */
  readonly algorithm: string
  /** ISO 8601. */
  readonly notBefore: string
  readonly notAfter: string
  readonly daysLeft: number
  /** SHA-256, base64url. */
  readonly fingerprint: string
}

const DAY = 86_400

/** What a chain is made of, leaf first; `now` in Unix seconds. Throws `DecodeError` for what is no certificate. */
export function describeChain(chain: readonly Uint8Array[], now: number): ShownCertificate[] {
  return chain.map((der, index) => {
    const { publicKey, notBefore, notAfter } = parseCertificate(der)
    return {
      role: index === 0 ? "online" : index === 1 ? "identity" : "issuer",
      algorithm: publicKey?.algorithm ?? "other",
      notBefore: new Date(notBefore * 1000).toISOString(),
      notAfter: new Date(notAfter * 1000).toISOString(),
      daysLeft: Math.floor((notAfter - now) / DAY),
      fingerprint: encodeBase64Url(fingerprint(nativeCrypto, der)),
    }
  })
}

/** One line for each certificate. */
export function certificateLines(chain: readonly ShownCertificate[]): string {
  return columns(
    chain.map(({ role, algorithm, notBefore, notAfter, fingerprint: print }) => [
      role,
      `${algorithm.padEnd(7)}  ${day(notBefore)} to ${day(notAfter)}  ${print}`,
    ]),
  )
}

function day(iso: string): string {
  return iso.replace(/T.*$/, "")
}
