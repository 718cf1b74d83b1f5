import { nativeCrypto } from "@sluice/crypto/native"
import { columns, printData, printJson } from "../output.ts"
import type { GlobalOptions } from "../place.ts"
import { withConnection } from "../queue/connection.ts"
import { readRecipientState } from "../queue/recipient-state.ts"
import { serverName } from "../server-argument.ts"

/** `sluice queue info` */
export async function queueInfo(
  file: string,
  options: GlobalOptions & { readonly json?: true; readonly timeout: number },
): Promise<void> {
  const state = await readRecipientState(nativeCrypto, file)
  const { server, mode } = state.address
  const info = await withConnection(server, options.timeout, (connection) => connection.queueInfo(state))
  const first = info.first && { type: info.first.type, time: info.first.timestamp }
  if (options.json) {
    const { secured, hasNotifier, size: messages } = info
    printJson({ server: serverName(server), mode, secured, hasNotifier, messages, first })
    return
  }
  printData(
    columns([
      ["server", serverName(server)],
      ["senders", mode === "contact" ? "anybody with the address" : "one"],
      ["secured", info.secured ? "yes" : "no"],
      ["notifier", info.hasNotifier ? "yes" : "no"],
      ["messages", String(info.size)],
      ...(first === undefined ? [] : [["first", `${first.type} of ${first.time}`] as const]),
    ]),
  )
}
