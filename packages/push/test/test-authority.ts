import { encodePrivateKey } from "@sluice/crypto/keys"
import { nativeCrypto } from "@sluice/crypto/native"
import { parseCertificate } from "@sluice/crypto/x509"
import { createCaCertificate, createLeafCertificate } from "@sluice/crypto/x509-create"

/** A certificate authority that exists for one test, and what a server of it needs. */
export interface TestAuthority {
  /** Certificate of the authority in PEM: what clients are told to trust. */
  readonly ca: string
  /** Leaf for `localhost` in PEM. */
  readonly cert: string
  /** Its key in PEM. */
  readonly key: string
}

const DAY = 86_400

/** A new authority with a leaf for `localhost`, valid for a day before and after now. */
export function createTestAuthority(): TestAuthority {
  const now = Math.floor(Date.now() / 1000)
  const validity = { notBefore: now - DAY, notAfter: now + DAY }
  const caKey = nativeCrypto.generateKeyPair("ed25519")
  const leafKey = nativeCrypto.generateKeyPair("ed25519")
  const ca = createCaCertificate(nativeCrypto, caKey, validity, { commonName: "push test CA" })
  const issuer = { certificate: parseCertificate(ca), key: caKey }
  const leaf = createLeafCertificate(nativeCrypto, issuer, leafKey.publicKey, validity, "localhost")
  return {
    ca: pem("CERTIFICATE", ca),
    cert: pem("CERTIFICATE", leaf),
    key: pem("PRIVATE KEY", encodePrivateKey(leafKey.privateKey)),
  }
}

function pem(label: string, der: Uint8Array): string {
  const lines = Buffer.from(der).toString("base64").replace(/.{64}/g, "$&\n").trimEnd()
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`
}
