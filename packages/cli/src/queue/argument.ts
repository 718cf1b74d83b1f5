import { DecodeError } from "@sluice/encoding/errors"
import { OperatorError, quoteValue } from "@sluice/ops/operator-error"
import { parseQueueAddress, type QueueAddress } from "./queue-address.ts"
import { readText } from "./state-file.ts"

/** The queue that a QUEUE argument names: an address, or a file with one, the recipient's file included. */
export async function queueArgument(text: string): Promise<QueueAddress> {
  if (text.startsWith("smp://")) return parse(text, `QUEUE: ${quoteValue(text)}`)
  return parse(addressIn(await readText(text)), `QUEUE: the content of ${quoteValue(text)}`)
}

function parse(text: string, what: string): QueueAddress {
  try {
    return parseQueueAddress(text.trim())
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error
    throw new OperatorError(
      `${what} is not allowed; allowed: smp://fingerprint@host[:port]/id#/?v=…&dh=…, as \`queue create\` prints it`,
    )
  }
}

/** JSON files have it in a field. */
function addressIn(text: string): string {
  if (!text.startsWith("{")) return text
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === "object" && value !== null && "queue" in value ? String(value.queue) : text
  } catch {
    // Not JSON after all: the caller says what is wrong with it.
    return text
  }
}
