import { readFile } from "node:fs/promises"
import { resolve } from "node:path"
import { createSecureContext } from "node:tls"
import { OperatorError } from "@sluice/ops/operator-error"
import type { LinksConfig } from "./config.ts"
import type { WebCertificate } from "./web-app.ts"

/**
 * Reads the certificate for browsers; `undefined` if there is none in the configuration. Throws `OperatorError` for
 * files that cannot be used.
 */
export async function loadWebCertificate(config: LinksConfig, dataFolder: string): Promise<WebCertificate | undefined> {
  if (config.certificate === undefined || config.key === undefined) return undefined
  const read = async (setting: string, path: string): Promise<Buffer> => {
    try {
      return await readFile(resolve(dataFolder, path))
    } catch (error) {
      const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error"
      throw new OperatorError(`${setting}: "${path}" cannot be read (${code}); allowed: a PEM file`, { cause: error })
    }
  }
  const cert = await read("links.certificate", config.certificate)
  const key = await read("links.key", config.key)
  try {
    createSecureContext({ cert, key })
  } catch (error) {
    const allowed = "a certificate in PEM and the private key that belongs to it"
    throw new OperatorError(`links.certificate and links.key do not fit together; allowed: ${allowed}`, {
      cause: error,
    })
  }
  return { cert, key }
}
