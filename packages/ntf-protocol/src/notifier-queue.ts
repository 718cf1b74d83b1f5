import { encodeBase64Url, tokenBase64Url } from "@sluice/encoding/base64url"
import { DecodeError } from "@sluice/encoding/errors"
import { withOldOnionHost } from "@sluice/encoding/old-onion-hosts"
import type { Reader } from "@sluice/encoding/reader"
import {
  formatServerAddress,
  parseServerAddress,
  readServer,
  type Server,
  writeServer,
} from "@sluice/encoding/server-address"
import type { Writer } from "@sluice/encoding/writer"

/** Where notifications of a queue come from: relay and notifier id. */
export interface NotifierQueue {
  readonly server: Server
  readonly notifierId: Uint8Array
}

/** Reads a relay and a notifier id. A single host of the oldest relays gets its onion host (notifications.md §3.7). */
export function readNotifierQueue(r: Reader): NotifierQueue {
  const server = readServer(r)
  return { server: { ...server, hosts: withOldOnionHost(server.hosts) }, notifierId: r.short("notifier id") }
}

/** Counterpart of {@link readNotifierQueue}. */
export function writeNotifierQueue(w: Writer, { server, notifierId }: NotifierQueue): void {
  writeServer(w, server)
  w.short(notifierId)
}

/** Text form, in the lists that devices get: address of the relay, `/`, base64url of the id. */
export function formatNotifierQueue({ server, notifierId }: NotifierQueue): string {
  return `${formatServerAddress({ scheme: "smp", ...server })}/${encodeBase64Url(notifierId)}`
}

/** Reads the text form. Throws `DecodeError`. */
export function parseNotifierQueue(text: string): NotifierQueue {
  // No host and no base64url text has a slash; the two after the scheme come first.
  const at = text.lastIndexOf("/")
  if (at < 0) throw new DecodeError("notifier queue: no id")
  const { hosts, port, keyHash } = parseServerAddress(text.slice(0, at), { scheme: "smp", password: "refused" })
  const { bytes: notifierId, end } = tokenBase64Url(text, at + 1)
  if (end !== text.length) throw new DecodeError("notifier queue: text after the id")
  return { server: { hosts: withOldOnionHost(hosts), port, keyHash }, notifierId }
}
