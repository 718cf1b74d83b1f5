import { statfs } from "node:fs/promises"
import { constants } from "node:os"
import { DecodeError } from "@sluice/encoding/errors"
import { MissingBodyError } from "../operations/message-items.ts"
import { StoreError, type StoreProblem } from "../store-error.ts"
import { StoreFormatError } from "./store-format-error.ts"

const { errno } = constants

/** No room in the map, in a transaction, on the disk, within a quota, within the limit for file sizes. */
const FULL: ReadonlySet<number> = new Set([-30792, -30788, errno.ENOSPC, errno.EDQUOT, errno.EFBIG])

/** MDB_PAGE_NOTFOUND, CORRUPTED, VERSION_MISMATCH, INVALID, INCOMPATIBLE. */
const CORRUPT: ReadonlySet<number> = new Set([-30797, -30796, -30794, -30793, -30784])

/** Whether LMDB or the system below it reported the error: only these have a number. */
export function isFromLmdb(cause: unknown): boolean {
  return typeof (cause as { code?: unknown } | null | undefined)?.code === "number"
}

/** What went wrong, in terms of the interface; the cause keeps the details for operators. */
export function toStoreError(cause: unknown, operation: string): StoreError {
  if (cause instanceof StoreError) return new StoreError({ ...cause.problem, operation }, { cause: cause.cause })
  return new StoreError({ code: codeOf(cause), operation }, { cause })
}

/** Free space below which an input/output error of a write is taken for a full disk: more than any one change needs. */
const SCARCE_BYTES = 1 << 20

/**
 * The reason of a failed commit. lmdb hands it out as a promise that rejects with it. LMDB itself reports a write that was
 * cut short by the end of the disk as an input/output error, so that the free space has to tell which it was.
 */
export async function commitFailure(error: unknown, folder: string): Promise<unknown> {
  const cause = await commitError(error)
  if ((cause as { code?: unknown } | null | undefined)?.code !== errno.EIO) return cause
  const { bavail, bsize } = await statfs(folder).catch(() => ({ bavail: Number.POSITIVE_INFINITY, bsize: 1 }))
  if (bavail * bsize >= SCARCE_BYTES) return cause
  return new StoreError({ code: "STORE_FULL", operation: "commit" }, { cause })
}

/**
 * Whether the error may mean that a group did not fit, so that its changes have a chance one by one: also after
 * an input/output error, which can be a write that was cut short by a limit.
 */
export function mayBeTooMuch(cause: unknown): boolean {
  return codeOf(cause) === "STORE_FULL" || (cause as { code?: unknown } | null | undefined)?.code === errno.EIO
}

function codeOf(cause: unknown): StoreProblem["code"] {
  if (cause instanceof StoreError) return cause.problem.code
  if (cause instanceof DecodeError || cause instanceof MissingBodyError || cause instanceof StoreFormatError) {
    return "STORE_CORRUPT"
  }
  const code = (cause as { code?: unknown } | null | undefined)?.code
  if (typeof code !== "number") return "STORE_UNAVAILABLE"
  if (FULL.has(code)) return "STORE_FULL"
  return CORRUPT.has(code) ? "STORE_CORRUPT" : "STORE_UNAVAILABLE"
}

async function commitError(error: unknown): Promise<unknown> {
  const reason = (error as { commitError?: unknown } | null | undefined)?.commitError
  if (!(reason instanceof Promise)) return error
  try {
    await reason
    return error
  } catch (cause) {
    return cause
  }
}
