import { DecodeError } from "@sluice/encoding/errors"

/** Label of a certificate. */
export const CERTIFICATE_LABEL = "CERTIFICATE"
/** Label of an unencrypted PKCS#8 private key. */
export const PRIVATE_KEY_LABEL = "PRIVATE KEY"

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----([^-]*)-----END \1-----/g
const LINE = 64

/** One PEM block (RFC 7468) around some DER, with a line feed at the end. */
export function encodePem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString("base64")
      .match(new RegExp(`.{1,${LINE}}`, "g")) ?? []
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`
}

/**
 * The DER of every PEM block of a text; text around the blocks is ignored. Throws `DecodeError` when there is none, one
 * has another label, or its base64 is garbled.
 */
export function decodePem(label: string, text: string): Uint8Array[] {
  const blocks = [...text.matchAll(BLOCK)]
  if (blocks.length === 0) throw new DecodeError("PEM: no block")
  return blocks.map(([, found, body]) => {
    if (found !== label) throw new DecodeError("PEM: other label")
    return decodeBase64((body ?? "").replace(/\s+/g, ""))
  })
}

function decodeBase64(text: string): Uint8Array {
  const der = Buffer.from(text, "base64")
  // Buffer skips what is no base64; only text that comes out again was whole.
  if (der.length === 0 || der.toString("base64") !== text) throw new DecodeError("PEM: not base64")
  return new Uint8Array(der)
}
