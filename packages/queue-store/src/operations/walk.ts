import type { Step } from "../queue-store.ts"
import type { Table } from "../tables.ts"

/** The next keys of a walk over a table in key order, and the step that leads on. */
export function walk(
  table: Table,
  options: { readonly limit: number; readonly prefix?: Uint8Array } & Step,
): { readonly keys: Uint8Array[]; readonly step: Step } {
  const limit = Math.max(1, options.limit)
  const { prefix, cursor } = options
  const keys = table.keys({
    limit,
    ...(prefix !== undefined && { prefix }),
    ...(cursor !== undefined && { after: cursor }),
  })
  const last = keys.at(-1)
  // A full step may have been the last one; then the next is empty and ends the walk.
  return { keys, step: last !== undefined && keys.length === limit ? { cursor: last } : {} }
}
