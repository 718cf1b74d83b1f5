import { open } from "node:fs/promises"
import { StoreFormatError } from "./store-format-error.ts"

/**
 * Layout of the two meta pages at the start of an LMDB file, as lmdb-js 3.5 writes it on 64-bit machines: a page header of
 * 24 bytes, then u32 magic, u32 version, address, map size, two tree records of 48 bytes of which the first begins with the
 * page size, the last page number, and the transaction that wrote it. Little-endian.
 */
const HEADER = 24
const MAGIC_AT = HEADER
const PAGE_SIZE_AT = HEADER + 24
const LAST_PAGE_AT = HEADER + 120
const TRANSACTION_AT = HEADER + 128
const META_SIZE = TRANSACTION_AT + 8
const MAGIC = 0xbeefc0de

const LEAST_PAGE_SIZE = 256
const GREATEST_PAGE_SIZE = 65_536

interface Meta {
  readonly pageSize: number
  readonly lastPage: number
  readonly transaction: bigint
}

/**
 * Looks at a store's file before LMDB maps it. Reading a mapped page beyond the end of the file kills the process, so a
 * file that was cut short is filled up with zeros first (in the file system, not on the disk): LMDB then sees that such
 * pages are damaged and says so. Returns whether there is no file yet. Throws `StoreFormatError` for foreign files.
 */
export async function checkFile(path: string): Promise<boolean> {
  const file = await open(path, "r+").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined
    throw error
  })
  if (file === undefined) return true
  try {
    const bytes = new Uint8Array(2 * GREATEST_PAGE_SIZE)
    const { bytesRead } = await file.read(bytes, 0, bytes.length, 0)
    if (bytesRead === 0) return true
    const expected = expectedSize(bytes.subarray(0, bytesRead))
    // Asked for last: while another process makes the file grow, an older length would cut off what that has written.
    const { size } = await file.stat()
    if (size < expected) await file.truncate(expected)
    return false
  } finally {
    await file.close()
  }
}

/** The length that the newest meta page promises. */
function expectedSize(start: Uint8Array): number {
  const first = readMeta(start, 0)
  const second = first === undefined ? undefined : readMeta(start, first.pageSize)
  if (first === undefined || second === undefined) {
    throw new StoreFormatError("data.mdb is not a store, or its beginning is damaged")
  }
  const newest = second.transaction > first.transaction ? second : first
  return (newest.lastPage + 1) * newest.pageSize
}

function readMeta(start: Uint8Array, at: number): Meta | undefined {
  if (start.length < at + META_SIZE) return undefined
  const view = new DataView(start.buffer, start.byteOffset + at, META_SIZE)
  const pageSize = view.getUint32(PAGE_SIZE_AT, true)
  if (view.getUint32(MAGIC_AT, true) !== MAGIC) return undefined
  if (pageSize < LEAST_PAGE_SIZE || pageSize > GREATEST_PAGE_SIZE) return undefined
  const lastPage = Number(view.getBigUint64(LAST_PAGE_AT, true))
  return { pageSize, lastPage, transaction: view.getBigUint64(TRANSACTION_AT, true) }
}
