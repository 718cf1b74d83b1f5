import { readFile } from "node:fs/promises"
import { nativeCrypto } from "@sluice/crypto/native"
import { encodeBase64UrlUnpadded } from "@sluice/encoding/base64url"
import { writeFileAtomic } from "@sluice/ops/atomic-file"
import { OperatorError } from "@sluice/ops/operator-error"
import { Secret } from "@sluice/ops/secret"

const SECRET_BYTES = 32

/** The secret in a file; a new random one, mode 0600, if there is no such file. Throws `OperatorError`. */
export async function secretFile(path: string): Promise<Secret> {
  const known = await secretIn(path)
  // An empty token would be one that everybody knows.
  if (known === "")
    throw new OperatorError(`${path} is empty; allowed: a secret, or no such file, which makes a new one`)
  if (known !== undefined) return new Secret(known)
  const secret = encodeBase64UrlUnpadded(nativeCrypto.randomBytes(SECRET_BYTES))
  await writeFileAtomic(path, `${secret}\n`)
  return new Secret(secret)
}

async function secretIn(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, "utf8")).trim()
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "failed"
    if (code === "ENOENT") return undefined
    throw new OperatorError(`${path} cannot be read (${code})`, { cause: error })
  }
}
