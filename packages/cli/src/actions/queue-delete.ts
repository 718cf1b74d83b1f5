import { rm } from "node:fs/promises"
import { nativeCrypto } from "@sluice/crypto/native"
import { say } from "../output.ts"
import type { GlobalOptions } from "../place.ts"
import { withConnection } from "../queue/connection.ts"
import { readRecipientState } from "../queue/recipient-state.ts"

/** `sluice queue delete` */
export async function deleteQueue(
  file: string,
  options: GlobalOptions & { readonly keepFile?: true; readonly timeout: number },
): Promise<void> {
  const state = await readRecipientState(nativeCrypto, file)
  await withConnection(state.address.server, options.timeout, (connection) => connection.deleteQueue(state))
  if (!options.keepFile) await rm(file)
  say("Deleted.")
}
