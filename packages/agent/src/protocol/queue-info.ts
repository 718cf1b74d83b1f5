import { readKey, writeKey, type X25519Key } from "@sluice/crypto/keys"
import { withOldOnionHost } from "@sluice/encoding/old-onion-hosts"
import type { Reader } from "@sluice/encoding/reader"
import {
  readLegacyServer,
  readServer,
  type Server,
  writeLegacyServer,
  writeServer,
} from "@sluice/encoding/server-address"
import type { Version } from "@sluice/encoding/version"
import { encodeWith, type Writer } from "@sluice/encoding/writer"
import type { EntityId, QueueMode } from "@sluice/smp-protocol/types"

/** Where a sender finds a queue. */
export interface QueueAddress {
  readonly server: Server
  readonly senderId: EntityId
}

/** A queue as one side tells it to the other inside of a connection. */
export interface QueueInfo extends QueueAddress {
  /** Version of the client layer, which also decides the encoding. */
  readonly clientVersion: Version
  /** The recipient's key for the end-to-end secret; in `QKEY` the sender's. */
  readonly dhKey: X25519Key
  readonly mode?: QueueMode | undefined
}

const FIRST_WITH_HOSTS = 2
const FIRST_WITH_SECURABLE = 3
const FIRST_WITH_MODE = 4

/** `u16 version ‖ server ‖ str8 senderId ‖ str8 key ‖ mode` (agent.md §4). Versions 1 to 3 lose what they can not say. */
export function writeQueueInfo(w: Writer, info: QueueInfo): void {
  const { clientVersion, server, senderId, dhKey, mode } = info
  w.u16(clientVersion)
  if (clientVersion < FIRST_WITH_HOSTS) writeLegacyServer(w, server)
  else writeServer(w, server)
  writeKey(w.short(senderId), dhKey)
  if (clientVersion >= FIRST_WITH_MODE) {
    if (mode !== undefined) w.ascii(mode === "messaging" ? "M" : "C")
  } else if (clientVersion >= FIRST_WITH_SECURABLE && mode === "messaging") w.ascii("T")
}

/** Counterpart of {@link writeQueueInfo}. Bytes are views. Throws `DecodeError`. */
export function readQueueInfo(r: Reader): QueueInfo {
  const clientVersion = r.u16("client version")
  const server = clientVersion < FIRST_WITH_HOSTS ? readOldServer(r) : readServer(r)
  const senderId = r.short("sender id")
  const dhKey = readKey(r, "x25519", "queue key")
  return { clientVersion, server, senderId, dhKey, mode: readMode(r, clientVersion) }
}

function readOldServer(r: Reader): Server {
  const server = readLegacyServer(r)
  return { ...server, hosts: withOldOnionHost(server.hosts) }
}

/** Nothing is written where the mode is unknown, so only a byte that says something is taken. */
function readMode(r: Reader, clientVersion: Version): QueueMode | undefined {
  const next = r.peek()
  if (next === 0x4d || (next === 0x54 && clientVersion >= FIRST_WITH_SECURABLE)) {
    r.u8("queue mode")
    return "messaging"
  }
  if (next === 0x43) {
    r.u8("queue mode")
    return "contact"
  }
  return undefined
}

/** `server ‖ str8 senderId`. */
export function writeQueueAddress(w: Writer, { server, senderId }: QueueAddress): void {
  writeServer(w, server)
  w.short(senderId)
}

/** Counterpart of {@link writeQueueAddress}. */
export function readQueueAddress(r: Reader): QueueAddress {
  return { server: readServer(r), senderId: r.short("sender id") }
}

/** The bytes of one queue. */
export function encodeQueueInfo(info: QueueInfo): Uint8Array {
  return encodeWith((w) => writeQueueInfo(w, info))
}
