import type { KeyPair, X25519Key } from "@sluice/crypto/keys"
import { nativeCrypto } from "@sluice/crypto/native"
import { OperatorError } from "@sluice/ops/operator-error"
import { SmpClientError } from "@sluice/smp-client/client-error"
import { encodeCommand } from "@sluice/smp-protocol/commands"
import type { BrokerMessage } from "@sluice/smp-protocol/messages"
import type { EntityId, SubscriptionMode } from "@sluice/smp-protocol/types"
import type { Link, LinkCommand } from "./link.ts"

/** What authorizes commands: authenticators of X25519 keys, or Ed25519 signatures. */
export type Auth = "x25519" | "ed25519"

/** Keys of the recipient of a queue that is to be created. */
export interface QueueKeys {
  readonly auth: KeyPair<"x25519"> | KeyPair<"ed25519">
  readonly dh: KeyPair<"x25519">
}

/** A queue that exists. */
export interface LoadQueue {
  readonly keys: QueueKeys
  readonly recipientId: EntityId
  readonly senderId: EntityId
  /** The server's half of the secret that delivered bodies are encrypted with. */
  readonly serverDhKey: X25519Key
}

/** Queues of one run at most: their keys, about 1 KB each, are kept until it ends. */
const MOST_QUEUES = 1_000_000

/** Throws `OperatorError` for more queues than a run can make. */
export function limitQueues(count: number): void {
  if (count > MOST_QUEUES) throw new OperatorError(`${count} queues are too many for one run; at most ${MOST_QUEUES}`)
}

export function authKeys(auth: Auth): QueueKeys["auth"] {
  return auth === "x25519" ? nativeCrypto.generateKeyPair("x25519") : nativeCrypto.generateKeyPair("ed25519")
}

/** Fresh keys: a server may do less for keys that it has seen before. */
export function queueKeys(auth: Auth): QueueKeys {
  return { auth: authKeys(auth), dh: nativeCrypto.generateKeyPair("x25519") }
}

/** `NEW` for a messaging queue. */
export function newCommand(
  link: Link,
  keys: QueueKeys,
  password: string | undefined,
  subscription: SubscriptionMode,
): LinkCommand {
  const command = encodeCommand(
    {
      tag: "NEW",
      recipientKey: keys.auth.publicKey,
      dhKey: keys.dh.publicKey,
      password,
      subscription,
      queueData: { mode: "messaging" },
    },
    link.session.version,
  )
  return { tag: "NEW", command, entityId: NO_ENTITY, key: keys.auth.privateKey }
}

const NO_ENTITY = new Uint8Array(0)

/** The queue that `NEW` was answered with. Throws `SmpClientError` if it was not answered with one. */
export function createdQueue(keys: QueueKeys, answer: BrokerMessage): LoadQueue {
  if (answer.tag !== "IDS") throw new SmpClientError({ code: "UNEXPECTED", command: "NEW", answer: answer.tag })
  const { recipientId, senderId, dhKey } = answer
  // Copies: the answer is a view on its block.
  return {
    keys,
    recipientId: recipientId.slice(),
    senderId: senderId.slice(),
    serverDhKey: { ...dhKey, raw: dhKey.raw.slice() },
  }
}

/** A command of the recipient without parameters. */
export function recipientCommand(link: Link, queue: LoadQueue, tag: "SUB" | "DEL"): LinkCommand {
  const command = encodeCommand({ tag }, link.session.version)
  return { tag, command, entityId: queue.recipientId, key: queue.keys.auth.privateKey }
}

/** Creates queues without subscribing, some per block. */
export async function createQueues(
  link: Link,
  keys: readonly QueueKeys[],
  password: string | undefined,
): Promise<LoadQueue[]> {
  const answers = await link.requestAll(keys.map((each) => newCommand(link, each, password, "create-only")))
  return answers.map((answer, at) => createdQueue(keys[at] as QueueKeys, answer))
}

/** Deletes queues, so that a run leaves nothing behind. */
export async function deleteQueues(link: Link, queues: readonly LoadQueue[]): Promise<void> {
  for (let at = 0; at < queues.length; at += DELETED_AT_ONCE) {
    await link.requestAll(queues.slice(at, at + DELETED_AT_ONCE).map((queue) => recipientCommand(link, queue, "DEL")))
  }
}

const DELETED_AT_ONCE = 500
