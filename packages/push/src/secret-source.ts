import { open } from "node:fs/promises"
import { resolve } from "node:path"
import { OperatorError, quoteValue } from "@sluice/ops/operator-error"
import type { Secret } from "@sluice/ops/secret"

/** Where a credential is: in a file or in the configuration itself. */
export interface SecretSource {
  /** Name of the setting of the file, such as `push.apns.key_path`; without `_path` it is the other's. */
  readonly key: string
  readonly path: string | undefined
  readonly value: Secret | undefined
  /** Relative paths are taken from here. */
  readonly folder: string
}

/** Others must not read it, nor the group write it: containers mount secrets readable for a group. */
const FORBIDDEN = 0o027

/**
 * Text of a credential, or `undefined` if there is none. Throws `OperatorError` if there are two, or the file cannot be
 * read, or others can read it.
 */
export async function readSecret({ key, path, value, folder }: SecretSource): Promise<string | undefined> {
  if (path !== undefined && value !== undefined) {
    throw new OperatorError(`${key}: ${key.replace(/_path$/, "")} is set, too; keep one of them`)
  }
  return path === undefined ? value?.reveal() : readPrivateFile(key, resolve(folder, path))
}

/** Text of a file that is no secret; `undefined` without a path. Throws `OperatorError`. */
export async function readPlain(key: string, path: string | undefined, folder: string): Promise<string | undefined> {
  return path === undefined ? undefined : readText(key, resolve(folder, path), () => undefined)
}

function readPrivateFile(key: string, path: string): Promise<string> {
  return readText(key, path, (mode) => {
    if ((mode & FORBIDDEN) === 0) return
    throw new OperatorError(
      `${key}: ${quoteValue(path)} has mode ${(mode & 0o777).toString(8)}; allowed: a file that nobody else can read: chmod 600`,
    )
  })
}

async function readText(key: string, path: string, check: (mode: number) => void): Promise<string> {
  try {
    // One descriptor, so that what is read is what was judged.
    await using file = await open(path, "r")
    check((await file.stat()).mode)
    return await file.readFile("utf8")
  } catch (error) {
    if (error instanceof OperatorError) throw error
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error"
    throw new OperatorError(`${key}: cannot read ${quoteValue(path)} (${code})`, { cause: error })
  }
}
