import { DecodeError } from "@sluice/encoding/errors"
import type { BlockingInfo } from "@sluice/queue-store/records"
import { formatSmpError, parseSmpError } from "@sluice/smp-protocol/error-string"

// The text is that of the BLOCKED error (smp.md §7), so its codec is used.
const ERROR = "BLOCKED "

/** `reason=spam|content`, optionally `,notice=` and JSON. */
export function formatBlocking(info: BlockingInfo): string {
  return formatSmpError({ type: "BLOCKED", ...info }).slice(ERROR.length)
}

/** Reads {@link formatBlocking}: a notice takes the whole rest of the text. Throws `DecodeError`. */
export function parseBlocking(text: string): BlockingInfo {
  const error = parseSmpError(ERROR + text)
  if (error.type !== "BLOCKED") throw new DecodeError("blocking: unknown reason")
  const { reason, notice } = error
  if (notice === undefined) return { reason }
  return { reason, notice: notice.ttl === undefined ? {} : { ttl: notice.ttl } }
}

/** Whether a notice follows the reason at the start of the text. */
export function startsWithNotice(text: string): boolean {
  return /^reason=[a-z]*,notice=/.test(text)
}
