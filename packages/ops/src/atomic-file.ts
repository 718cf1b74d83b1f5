import { mkdir, open, rename, rm, stat } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import { OperatorError } from "./operator-error.ts"

/** Mode of files that hold secrets: only the owner reads and writes. */
export const SECRET_FILE_MODE = 0o600
/** Mode of folders that hold a service's data. */
export const PRIVATE_FOLDER_MODE = 0o700

let serial = 0

/**
 * Writes a file so that at every moment, power failure included, its name refers to the whole old or the whole new
 * content. The content goes to a temporary file beside it first, which is removed when anything fails.
 * @param mode exact permissions, whatever the process's umask; 0600 unless said otherwise
 * @throws OperatorError naming the file when the file system refuses
 */
export async function writeFileAtomic(
  path: string,
  content: Uint8Array | string,
  mode: number = SECRET_FILE_MODE,
): Promise<void> {
  const folder = dirname(path)
  const temporary = join(folder, `.${basename(path)}.${process.pid}.${serial++}.tmp`)
  try {
    await writeAndSync(temporary, content, mode)
    await rename(temporary, path)
    await syncFolder(folder)
  } catch (error) {
    await rm(temporary, { force: true })
    throw fileError("write", path, error)
  }
}

/**
 * Creates a folder, and those above it, for its owner alone (0700). One that exists is left as it is: its permissions are
 * the operator's choice.
 * @throws OperatorError when it cannot be created or is not a folder
 */
export async function ensureFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: PRIVATE_FOLDER_MODE })
    if (!(await stat(path)).isDirectory()) throw new OperatorError(`${path} is not a folder`)
  } catch (error) {
    throw fileError("create the folder", path, error)
  }
}

async function writeAndSync(path: string, content: Uint8Array | string, mode: number): Promise<void> {
  // "wx" never follows or reuses what somebody else put there.
  await using file = await open(path, "wx", mode)
  await file.chmod(mode)
  await file.writeFile(content)
  await file.sync()
}

/** Makes the rename itself durable. */
async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, "r")
  await folder.sync()
}

const ADVICE: ReadonlyMap<string, string> = new Map([
  ["EACCES", "permission denied; give it to the user that runs the service"],
  ["EPERM", "not permitted; give it to the user that runs the service"],
  ["EROFS", "the file system is read-only"],
  ["ENOSPC", "the disk is full"],
  ["EDQUOT", "the disk quota is used up"],
  ["ENOENT", "the folder does not exist"],
  ["ENOTDIR", "a part of the path is not a folder"],
  ["EEXIST", "a file of that name is in the way"],
  ["EISDIR", "a folder of that name is in the way"],
])

function fileError(action: string, path: string, error: unknown): unknown {
  if (error instanceof OperatorError || !(error instanceof Error) || !("code" in error)) return error
  const code = String(error.code)
  return new OperatorError(`cannot ${action} ${path}: ${ADVICE.get(code) ?? "failed"} (${code})`, { cause: error })
}
