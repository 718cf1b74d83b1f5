import type { Reader } from "@sluice/encoding/reader"
import type { Writer } from "@sluice/encoding/writer"
import type { MessageFlags } from "./types.ts"

const SPACE = 0x20
const NOTIFY: MessageFlags = { notification: true }
const SILENT: MessageFlags = { notification: false }

/** `T` or `F`, then anything up to the next space (flags of later versions), then the space (smp.md §2.6). */
export function readMessageFlags(r: Reader): MessageFlags {
  const flags = r.bool("message flags") ? NOTIFY : SILENT
  if (r.peek() !== SPACE) r.takeUntil(SPACE)
  r.space("message flags")
  return flags
}

/** `T` or `F` and a space. */
export function writeMessageFlags(w: Writer, flags: MessageFlags): void {
  w.bool(flags.notification).space()
}
