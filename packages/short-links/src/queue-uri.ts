import { decodePublicKey, keyForPlace, publicKeyToString, readKey, writeKey, type X25519Key } from "@sluice/crypto/keys"
import { decodeBase64Url, encodeBase64Url, tokenBase64Url } from "@sluice/encoding/base64url"
import { DecodeError } from "@sluice/encoding/errors"
import { tokenHost } from "@sluice/encoding/host"
import { withOldOnionHost } from "@sluice/encoding/old-onion-hosts"
import type { Reader } from "@sluice/encoding/reader"
import {
  formatServerAddress,
  parseServerAddress,
  readServer,
  type Server,
  writeServer,
} from "@sluice/encoding/server-address"
import {
  formatVersionRange,
  parseVersionRange,
  readVersionRange,
  type VersionRange,
  versionRange,
  writeVersionRange,
} from "@sluice/encoding/version"
import type { Writer } from "@sluice/encoding/writer"
import type { EntityId, QueueMode } from "@sluice/smp-protocol/types"
import { formatQuery, parseQuery } from "./query.ts"

/** A queue as a sender needs to know it (agent.md §2). */
export interface QueueUri {
  /** Versions of the SMP client protocol that the recipient speaks. */
  readonly versions: VersionRange
  readonly server: Server
  readonly senderId: EntityId
  /** The recipient's key for the end-to-end layer of this queue. */
  readonly dhKey: X25519Key
  /** Absent when it is not known. */
  readonly mode?: QueueMode | undefined
}

/** SMP client versions (agent.md §1). */
const CLIENT = { SEVERAL_HOSTS: 2, SECURED_BY_SENDER: 3, QUEUE_MODES: 4 } as const

const LETTER_M = 0x4d
const LETTER_C = 0x43
const LETTER_T = 0x54
const LETTER_F = 0x46

/**
 * Binary form: version range ‖ server ‖ sender ID ‖ key ‖ mode (short-links.md §4.1). The mode has no length: the next
 * byte is it if it can be.
 */
export function readQueueUri(r: Reader): QueueUri {
  const versions = readVersionRange(r, "client versions")
  const server = readServer(r)
  const senderId = r.short("sender id")
  const dhKey = readKey(r, "x25519", "queue key")
  return { versions, server, senderId, dhKey, mode: readQueueMode(r) }
}

/** Counterpart of {@link readQueueUri}; what old versions have no way to say about the mode is left out. */
export function writeQueueUri(w: Writer, queue: QueueUri): void {
  writeVersionRange(w, queue.versions)
  writeServer(w, queue.server)
  w.short(queue.senderId)
  writeKey(w, queue.dhKey)
  w.ascii(queueModeText(queue))
}

/** Reads the text form, `smp://…/<sender ID>#/?v=…&dh=…`, and its older forms. Throws `DecodeError`. */
export function parseQueueUri(text: string): QueueUri {
  const slash = text.indexOf("/", "smp://".length)
  if (slash < 0) throw new DecodeError("queue: no sender id")
  const server = parseServerAddress(text.slice(0, slash), { scheme: "smp", password: "refused" })
  const { bytes: senderId, end } = tokenBase64Url(text, slash + 1)
  const hash = text[end] === "/" ? end + 1 : end
  if (text[hash] !== "#") throw new DecodeError("queue: no fragment")
  return { ...parseFragment(text.slice(hash + 1), server), senderId }
}

/** The text form. With client version 1 in the range, hosts after the first stand where old readers do not look. */
export function formatQueueUri(queue: QueueUri): string {
  const { versions, server, senderId, dhKey, mode } = queue
  const inPlace = versions.min >= CLIENT.SEVERAL_HOSTS
  const hosts = inPlace ? server.hosts : server.hosts.slice(0, 1)
  const others = inPlace ? [] : server.hosts.slice(1)
  const address = formatServerAddress({ scheme: "smp", ...server, hosts })
  const query = formatQuery([
    ["v", formatVersionRange(versions)],
    ["dh", publicKeyToString(dhKey)],
    ["q", mode === undefined ? undefined : mode === "messaging" ? "m" : "c"],
    ["k", mode === "messaging" && versions.min < CLIENT.QUEUE_MODES ? "s" : undefined],
  ])
  // The list of hosts is written as it is: its commas are not escaped.
  const srv = others.length === 0 ? "" : `&srv=${others.join(",")}`
  return `${address}/${encodeBase64Url(senderId)}#/?${query}${srv}`
}

/** Whether both are the same queue: same hosts and port, same sender ID. The rest may differ. */
export function sameQueue(a: Pick<QueueUri, "server" | "senderId">, b: Pick<QueueUri, "server" | "senderId">): boolean {
  return sameHostsAndPort(a.server, b.server) && encodeBase64Url(a.senderId) === encodeBase64Url(b.senderId)
}

/** Whether both servers have the same hosts in the same order and the same port. The key hash is not compared. */
export function sameHostsAndPort(a: Server, b: Server): boolean {
  if (a.port !== b.port || a.hosts.length !== b.hosts.length) return false
  return a.hosts.every((host, index) => host === b.hosts[index])
}

function queueModeText(queue: QueueUri): string {
  const { versions, mode } = queue
  if (versions.min >= CLIENT.QUEUE_MODES) return mode === undefined ? "" : mode === "messaging" ? "M" : "C"
  if (versions.min >= CLIENT.SECURED_BY_SENDER) return mode === "messaging" ? "T" : "F"
  return versions.max >= CLIENT.SECURED_BY_SENDER && mode === "messaging" ? "T" : ""
}

function readQueueMode(r: Reader): QueueMode | undefined {
  const next = r.peek()
  if (next !== LETTER_M && next !== LETTER_C && next !== LETTER_T && next !== LETTER_F) return undefined
  r.u8("queue mode")
  return next === LETTER_M || next === LETTER_T ? "messaging" : "contact"
}

/** What follows `#`: the key alone (version 1), the key and a query, or a query with the key in it. */
function parseFragment(fragment: string, server: Server): Omit<QueueUri, "senderId"> {
  const key = fragment.startsWith("/") || fragment.startsWith("?") ? undefined : tokenBase64Url(fragment, 0)
  const rest = fragment.slice(key?.end ?? 0)
  if (rest === "" && key !== undefined) return queueOf(versionRange(1, 1), server, [], key.bytes, undefined)

  const query = /^\/?\?([^ \n]*)$/.exec(rest)
  if (query === null) throw new DecodeError("queue: no parameters")
  const parameters = parseQuery(query[1] ?? "")
  const dhKey = key?.bytes ?? decodeBase64Url(parameters.get("dh") ?? "")
  const q = parameters.get("q")
  const mode = q === "c" ? "contact" : q === "m" || parameters.get("k") === "s" ? "messaging" : undefined
  const srv = parameters.get("srv")
  const others = srv === undefined ? [] : parseHosts(srv)
  return queueOf(parseVersionRange(parameters.get("v") ?? ""), server, others, dhKey, mode)
}

function queueOf(
  versions: VersionRange,
  address: Server,
  others: readonly string[],
  dhKey: Uint8Array,
  mode: QueueMode | undefined,
): Omit<QueueUri, "senderId"> {
  const { port, keyHash } = address
  const given = [...address.hosts, ...others]
  const hosts = versions.max < CLIENT.SEVERAL_HOSTS ? withOldOnionHost(given) : given
  return { versions, server: { hosts, port, keyHash }, dhKey: keyForPlace(decodePublicKey(dhKey), "x25519"), mode }
}

function parseHosts(list: string): string[] {
  const hosts: string[] = []
  let at = -1
  do {
    const { host, end } = tokenHost(list, at + 1)
    hosts.push(host.text)
    at = end
  } while (list[at] === ",")
  if (at !== list.length) throw new DecodeError("queue: invalid hosts")
  return hosts
}
