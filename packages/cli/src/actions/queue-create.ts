import { nativeCrypto } from "@sluice/crypto/native"
import { encodeBase64Url } from "@sluice/encoding/base64url"
import { printData, printJson, say } from "../output.ts"
import type { GlobalOptions } from "../place.ts"
import { withConnection } from "../queue/connection.ts"
import { formatQueueAddress } from "../queue/queue-address.ts"
import { type RecipientState, recipientStateText, writeRecipientState } from "../queue/recipient-state.ts"
import { refuseExisting } from "../queue/state-file.ts"
import { serverArgument } from "../server-argument.ts"

/** Options of `sluice queue create`. */
export interface CreateOptions extends GlobalOptions {
  readonly file?: string
  readonly contact?: true
  readonly json?: true
  /** Milliseconds. */
  readonly timeout: number
}

/** `sluice queue create` */
export async function createQueue(text: string | undefined, options: CreateOptions): Promise<void> {
  const { file } = options
  if (file !== undefined) await refuseExisting(file)
  const server = await serverArgument(text, options)
  const mode = options.contact ? "contact" : "messaging"
  await withConnection(server, options.timeout, async (connection) => {
    const queue = await connection.createQueue({ mode, subscribe: false })
    const e2eKeys = nativeCrypto.generateKeyPair("x25519")
    const state: RecipientState = {
      address: { server, senderId: queue.senderId, dhKey: e2eKeys.publicKey, mode: queue.mode },
      recipientId: queue.recipientId,
      recipientKey: queue.recipientKey,
      dhSecret: queue.dhSecret,
      e2eKeys,
    }
    if (file === undefined) {
      process.stdout.write(recipientStateText(state))
      say('These are the secrets of the queue; its address for senders is in the field "queue".')
      return
    }
    try {
      await writeRecipientState(file, state)
    } catch (error) {
      // Nobody could ever use it.
      await connection.deleteQueue(queue)
      throw error
    }
    const address = formatQueueAddress(state.address)
    const { recipientId, senderId } = queue
    if (!options.json) printData(address)
    else
      printJson({
        queue: address,
        file,
        recipientId: encodeBase64Url(recipientId),
        senderId: encodeBase64Url(senderId),
      })
  })
}
