import { equalBytes, idKey } from "@sluice/encoding/bytes"
import { isSubscribable } from "@sluice/ntf-protocol/status"
import type { EntityId } from "@sluice/smp-protocol/types"
import type { RelayId } from "../ntf-store.ts"
import { bytesIn, change, copyIn, type Owner, type RedisContext, unexpected } from "./context.ts"
import { decodeQueue, type StoredQueue } from "./queue-code.ts"
import { REMOVE_QUEUE } from "./scripts/relay-scripts.ts"

/*
 * Queues of a relay with what the relay said about them. A registration says which of them are its own: a queue whose
 * registration does not name it is of nobody, and the sweep removes it.
 */

/** What is stored of a queue. */
export async function findQueue(
  c: RedisContext,
  relayId: RelayId,
  notifierId: EntityId,
): Promise<{ readonly stored: Uint8Array; readonly queue: StoredQueue } | undefined> {
  const line = ["HGET", c.keys.relay(relayId).subscriptions, notifierId] as const
  const stored = copyIn(await c.connection.command(line))
  return stored && { stored, queue: decodeQueue(stored) }
}

/** Removes a queue, if it is (still) that of this subscription, with the index of the subscription. */
export async function removeQueue(
  c: RedisContext,
  relayId: RelayId,
  notifierId: EntityId,
  subscriptionId: EntityId,
): Promise<void> {
  const { relay, subscriptions, order, fresh } = c.keys.relay(relayId)
  c.owners.delete(ownerKey(relayId, notifierId))
  c.tokensOf.delete(idKey(subscriptionId))
  let found = copyIn(await c.connection.command(["HGET", subscriptions, notifierId]))
  while (found !== undefined) {
    const queue = decodeQueue(found)
    if (!equalBytes(queue.subscriptionId, subscriptionId)) break
    const counted = isSubscribable(queue.status) ? queue.association : 0
    const args = [notifierId, found, counted, c.crypto.md5(notifierId)]
    const answer = await change(c, REMOVE_QUEUE, [relay, subscriptions, order, fresh], args)
    if (answer.word === "ok" || answer.word === "absent") break
    if (answer.word !== "changed") throw unexpected(answer)
    found = bytesIn(answer.values[0])
  }
  await c.connection.command(["DEL", c.keys.subscription(subscriptionId)])
}

/** Who gets the notifications of queues, at the same places; absent for queues that nobody has. */
export async function ownersOf(
  c: RedisContext,
  relayId: RelayId,
  notifierIds: readonly EntityId[],
): Promise<(Owner | undefined)[]> {
  return Promise.all(
    notifierIds.map(async (notifierId) => {
      const key = ownerKey(relayId, notifierId)
      const known = c.owners.get(key)
      if (known !== undefined) return known
      const found = await findQueue(c, relayId, notifierId)
      if (found === undefined) return undefined
      const { tokenId, subscriptionId } = found.queue
      const owner = { tokenId, subscriptionId }
      c.owners.set(key, owner)
      return owner
    }),
  )
}

export function ownerKey(relayId: RelayId, notifierId: EntityId): string {
  return idKey(relayId) + idKey(notifierId)
}
