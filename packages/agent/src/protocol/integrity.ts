import { equalBytes } from "@sluice/encoding/bytes"

/** How a received message fits to the ones before it (agent.md §5). It is delivered in every case. */
export type Integrity =
  | { readonly type: "OK" }
  /** The peer's messages `from` to `to` did not come. */
  | { readonly type: "SKIPPED"; readonly from: bigint; readonly to: bigint }
  /** The id of this message is below that of the last one. */
  | { readonly type: "BAD_ID"; readonly id: bigint }
  /** The hash of the message before is not that of the message that came before. */
  | { readonly type: "BAD_HASH" }
  /** The id of this message is that of the last one. */
  | { readonly type: "DUPLICATE" }

/** The peer's last message: its id and the SHA-256 of its plaintext; id 0 and no hash before the first. */
export interface ChainEnd {
  readonly id: bigint
  readonly hash: Uint8Array
}

/** Judges message `id` that says it follows a message with hash `previousHash`. */
export function integrityOf(last: ChainEnd, id: bigint, previousHash: Uint8Array): Integrity {
  if (id === last.id + 1n && equalBytes(previousHash, last.hash)) return { type: "OK" }
  if (id < last.id) return { type: "BAD_ID", id }
  if (id === last.id) return { type: "DUPLICATE" }
  if (id > last.id + 1n) return { type: "SKIPPED", from: last.id + 1n, to: id - 1n }
  return { type: "BAD_HASH" }
}

/** Text form. */
export function formatIntegrity(integrity: Integrity): string {
  switch (integrity.type) {
    case "OK":
      return "OK"
    case "SKIPPED":
      return `ERR NO_ID ${integrity.from} ${integrity.to}`
    case "BAD_ID":
      return `ERR ID ${integrity.id}`
    case "BAD_HASH":
      return "ERR HASH"
    case "DUPLICATE":
      return "ERR DUPLICATE"
  }
}
