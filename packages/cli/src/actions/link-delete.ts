import { rm } from "node:fs/promises"
import { nativeCrypto } from "@sluice/crypto/native"
import { deleteBlobLink } from "../link/blob-actions.ts"
import { isBlobState } from "../link/blob-state.ts"
import { readOwnerState } from "../link/owner-state.ts"
import { say } from "../output.ts"
import type { GlobalOptions } from "../place.ts"
import { withConnection } from "../queue/connection.ts"

/** Options of `sluice link delete`. */
export interface LinkDeleteOptions extends GlobalOptions {
  readonly keepQueue?: true
  /** Milliseconds. */
  readonly timeout: number
}

/** `sluice link delete` */
export async function deleteLink(file: string, options: LinkDeleteOptions): Promise<void> {
  if (await isBlobState(file)) await deleteBlobLink(file, options)
  else await deleteShortLink(file, options)
  if (!options.keepQueue) await rm(file)
  say(
    options.keepQueue ? "Deleted the link; its queue and the file stay." : "Deleted the link, its queue and the file.",
  )
}

async function deleteShortLink(file: string, { keepQueue, timeout }: LinkDeleteOptions): Promise<void> {
  const state = await readOwnerState(nativeCrypto, file)
  await withConnection(state.link.server, timeout, (connection) =>
    keepQueue ? connection.deleteLink(state) : connection.deleteQueue(state),
  )
}
