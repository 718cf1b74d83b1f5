import { readFile } from "node:fs/promises"
import { nativeCrypto } from "@sluice/crypto/native"
import { encodeBase64UrlUnpadded } from "@sluice/encoding/base64url"
import { writeFileAtomic } from "@sluice/ops/atomic-file"
import { OperatorError } from "@sluice/ops/operator-error"
import { Secret } from "@sluice/ops/secret"

const SECRET_BYTES = 32

/** The secret in a file; a new random one, mode 0600, if there is no such file. Throws `OperatorError`. */
export async function secretFile(path: string): Promise<Secret> {
  try {
    return new Secret((await readFile(path, "utf8")).trim())
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "failed"
    if (code !== "ENOENT") throw new OperatorError(`${path} cannot be read (${code})`, { cause: error })
  }
  const secret = encodeBase64UrlUnpadded(nativeCrypto.randomBytes(SECRET_BYTES))
  await writeFileAtomic(path, `${secret}\n`)
  return new Secret(secret)
}
