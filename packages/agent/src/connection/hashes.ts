import type { Draft } from "./draft.ts"

/** How long hashes of processed messages are kept, seconds: a server keeps messages for as long. */
export const HASHES_KEPT: number = 21 * 86_400

/** Whether this was processed before. */
export async function isKnown(draft: Draft, hash: Uint8Array): Promise<boolean> {
  return (await draft.env.store.get("hashes", [draft.id, hash])) !== undefined
}

/** Counts as processed from this commit on. */
export function remember(draft: Draft, hash: Uint8Array): void {
  const connectionId = draft.id
  const at = Math.floor(draft.env.now / 1000) + HASHES_KEPT
  draft.change(
    { table: "hashes", put: { connectionId, hash } },
    { table: "expiries", put: { at, connectionId, of: { table: "hashes", hash } } },
  )
}
