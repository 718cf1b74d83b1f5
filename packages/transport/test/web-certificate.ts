import { generateKeyPairSync, sign } from "node:crypto"
import { contextTag, der, derBitString, derSequence, derTime, derUnsigned, derUtf8, TAG } from "@sluice/crypto/der"
import { fromHex } from "@sluice/encoding/bytes"
import { CERTIFICATE_LABEL, encodePem } from "../src/pem.ts"
import { NOW } from "./chains.ts"

/** AlgorithmIdentifier of the signature: sha256WithRSAEncryption, ecdsa-with-SHA256. */
const SIGNATURES = { rsa: "300d06092a864886f70d01010b0500", ec: "300a06082a8648ce3d040302" } as const

/** A self-signed certificate of the kind that web servers have. */
export function webCertificate(kind: "rsa" | "ec"): { key: string; cert: string } {
  const { publicKey, privateKey } =
    kind === "rsa"
      ? generateKeyPairSync("rsa", { modulusLength: 2048 })
      : generateKeyPairSync("ec", { namedCurve: "P-256" })
  const name = derSequence(der(0x31, derSequence(der(TAG.oid, fromHex("550403")), derUtf8("web"))))
  const algorithm = fromHex(SIGNATURES[kind])
  const body = derSequence(
    der(contextTag(0), derUnsigned(Uint8Array.of(2))),
    derUnsigned(Uint8Array.of(1)),
    algorithm,
    name,
    derSequence(derTime(NOW - 86_400), derTime(NOW + 86_400)),
    name,
    publicKey.export({ type: "spki", format: "der" }),
  )
  const certificate = derSequence(body, algorithm, derBitString(sign("sha256", body, privateKey)))
  return {
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    cert: encodePem(CERTIFICATE_LABEL, certificate),
  }
}
