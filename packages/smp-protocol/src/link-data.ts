import type { Reader } from "@sluice/encoding/reader"
import type { Writer } from "@sluice/encoding/writer"
import type { LinkData } from "./types.ts"

/** Large(fixed) ‖ Large(user); both are views. */
export function readLinkData(r: Reader): LinkData {
  return { fixed: r.large("fixed link data"), user: r.large("user link data") }
}

/** Large(fixed) ‖ Large(user). */
export function writeLinkData(w: Writer, data: LinkData): void {
  w.large(data.fixed).large(data.user)
}
