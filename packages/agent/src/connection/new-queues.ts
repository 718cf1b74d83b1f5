import type { KeyPair, X25519Key } from "@sluice/crypto/keys"
import type { Server } from "@sluice/encoding/server-address"
import type { VersionRange } from "@sluice/encoding/version"
import type { QueueUri } from "@sluice/short-links/queue-uri"
import type { CreatedQueue } from "@sluice/smp-client/queue-types"
import type { QueueInfo } from "../protocol/queue-info.ts"
import type { ReceiveQueueRecord, SendQueueRecord } from "../store/records.ts"
import type { Draft } from "./draft.ts"
import { notifierOf } from "./notifier.ts"
import { queueSecret } from "./queue-box.ts"

/** A queue that a server has made for this connection. */
export interface MadeQueue {
  readonly server: Server
  readonly created: CreatedQueue
  readonly e2eKeys: KeyPair<"x25519">
}

/** Adds a queue to receive from. */
export function addReceiveQueue(
  draft: Draft,
  { server, created, e2eKeys }: MadeQueue,
  more: Partial<ReceiveQueueRecord> = {},
): ReceiveQueueRecord {
  const queue: ReceiveQueueRecord = {
    key: draft.takeQueueKey(),
    server: plainServer(server),
    recipientId: created.recipientId,
    recipientKey: created.recipientKey,
    dhSecret: created.dhSecret,
    senderId: created.senderId,
    mode: created.mode,
    e2eKeys,
    notifier: created.notifier && notifierOf(created.notifier),
    clientVersion: draft.env.versions.client.max,
    status: "new",
    primary: draft.record.receiveQueues.length === 0,
    ...more,
  }
  draft.set({ receiveQueues: [...draft.record.receiveQueues, queue] })
  return queue
}

/** Adds a queue to send to, with new keys. Throws `AgentError` A_CRYPTO for a recipient's key of low order. */
export function addSendQueue(draft: Draft, address: QueueInfo, more: Partial<SendQueueRecord> = {}): SendQueueRecord {
  const { crypto } = draft.env
  const e2eKeys = crypto.generateKeyPair("x25519")
  // A key that gives no secret is refused here, and not when the first message is to be sent.
  queueSecret(draft.env, { e2eKeys }, address.dhKey)
  const queue: SendQueueRecord = {
    key: draft.takeQueueKey(),
    server: plainServer(address.server),
    senderId: address.senderId.slice(),
    mode: address.mode,
    senderKeys: crypto.generateKeyPair("ed25519"),
    e2eKeys,
    recipientKey: keptKey(address.dhKey),
    clientVersion: Math.min(address.clientVersion, draft.env.versions.client.max),
    status: "new",
    primary: draft.record.sendQueues.length === 0,
    ...more,
  }
  draft.set({ sendQueues: [...draft.record.sendQueues, queue] })
  return queue
}

/** The queue as a link or `QADD` tells it. */
export function queueUri(queue: ReceiveQueueRecord, versions: VersionRange): QueueUri {
  const { server, senderId, mode, e2eKeys } = queue
  return { versions, server, senderId, dhKey: e2eKeys.publicKey, mode }
}

/** The queue as a confirmation tells it. */
export function queueInfo({ server, senderId, mode, e2eKeys }: ReceiveQueueRecord, clientVersion: number): QueueInfo {
  return { clientVersion, server, senderId, dhKey: e2eKeys.publicKey, mode }
}

/** Without the password, and whatever else an address may have. */
export function plainServer({ hosts, port, keyHash }: Server): Server {
  return { hosts: [...hosts], port, keyHash: keyHash.slice() }
}

/** A copy, which does not keep the block alive that it came in. */
function keptKey(key: X25519Key): X25519Key {
  return { ...key, raw: key.raw.slice() }
}
