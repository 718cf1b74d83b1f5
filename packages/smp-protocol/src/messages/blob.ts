import { BLOB_ANSWER_LENGTH } from "../blob-answer.ts"
import type { Codec } from "../commands/codec.ts"
import type { MessageSpec } from "./table.ts"

/** `BLOB`: the answer to `READ` (docs/blob-links.md). */
export interface BlobMessage {
  readonly tag: "BLOB"
  /** The blob in the box of `blob-answer.ts`, 16064 bytes. */
  readonly box: Uint8Array
}

const blobCodec: Codec<BlobMessage> = {
  read(r) {
    r.space("BLOB")
    return { tag: "BLOB", box: r.take(BLOB_ANSWER_LENGTH, "blob") }
  },
  write: (w, m) => w.space().raw(m.box),
}

/** Like the list in `table.ts`, for the message of the extension. Clients that never send `READ` never get it. */
export const BLOB_MESSAGES: { readonly BLOB: MessageSpec<BlobMessage> } = {
  BLOB: { codec: blobCodec, entity: "required" },
}
