import { promisify } from "node:util"
import { brotliCompress, constants, gzip } from "node:zlib"
import type { CryptoBackend } from "@sluice/crypto/backend"
import { encodeBase64UrlUnpadded } from "@sluice/encoding/base64url"

/** A file that is sent as it is, in the encodings that browsers take. */
export interface StaticFile {
  readonly type: string
  readonly plain: Uint8Array
  readonly gzip: Uint8Array
  readonly brotli: Uint8Array
  /** In double quotes, as the header has it. */
  readonly etag: string
}

/** An encoding of a file's bytes. */
export type Encoding = "br" | "gzip" | "identity"

const DIGEST_BYTES = 12
const compressBrotli = promisify(brotliCompress)
const compressGzip = promisify(gzip)

/** Compresses a file once, so that no request has to. */
export async function staticFile(
  crypto: CryptoBackend,
  type: string,
  content: Uint8Array | string,
): Promise<StaticFile> {
  const plain = typeof content === "string" ? new TextEncoder().encode(content) : content
  const [brotli, zipped] = await Promise.all([
    compressBrotli(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }),
    compressGzip(plain, { level: 9 }),
  ])
  return { type, plain, gzip: zipped, brotli, etag: `"${digest(crypto, plain)}"` }
}

/** A name for content that changes with it. */
export function digest(crypto: CryptoBackend, content: Uint8Array): string {
  return encodeBase64UrlUnpadded(crypto.sha256(content).subarray(0, DIGEST_BYTES))
}

/** The best encoding that a client takes. */
export function encodingFor(accept: string | undefined): Encoding {
  const taken = new Set(
    (accept ?? "")
      .split(",")
      .filter((entry) => !/;\s*q=0(\.0*)?\s*$/.test(entry))
      .map((entry) => (entry.split(";", 1)[0] ?? "").trim().toLowerCase()),
  )
  return taken.has("br") ? "br" : taken.has("gzip") ? "gzip" : "identity"
}

/** The bytes of a file in an encoding. */
export function encoded(file: StaticFile, encoding: Encoding): Uint8Array {
  return encoding === "br" ? file.brotli : encoding === "gzip" ? file.gzip : file.plain
}
