import { emptyIdsHash, idHash, xorHashes } from "@sluice/smp-protocol/ids-hash"
import { copyOf } from "../../codec/copy.ts"
import { isId } from "../../codec/keys.ts"
import type { Step } from "../../queue-store.ts"
import type { QueueRecord, ServiceKind, ServiceTotals } from "../../records.ts"
import { bytesIn, countIn, type RedisContext } from "../context.ts"
import { SERVICE_PARTS } from "../keys.ts"
import { ASSOCIATE } from "../scripts/index-scripts.ts"
import { walkKeys } from "./lists.ts"

/**
 * Sets of queues of services, in slots of their own. The record says which service a queue has and is changed first; adding
 * and removing are idempotent, and the sweep repairs what was left undone.
 */

export async function setAssociated(
  c: RedisContext,
  serviceId: Uint8Array,
  kind: ServiceKind,
  id: Uint8Array,
  isMember: boolean,
): Promise<void> {
  const { ids, hash } = c.keys.serviceQueues(serviceId, kind, partOf(id))
  const call = { script: ASSOCIATE, keys: [ids, hash], args: [isMember ? "1" : "0", id, idHash(c.crypto, id)] }
  const [changed] = await c.connection.run({ steps: [call], write: true })
  if (changed === 1) {
    c.counts.add(kind === "messages" ? "messageServiceQueues" : "notificationServiceQueues", isMember ? 1 : -1)
  }
}

/** Brings the sets in line with what a record says now and said before. */
export async function moveAssociation(
  c: RedisContext,
  kind: ServiceKind,
  id: Uint8Array,
  from: Uint8Array | undefined,
  to: Uint8Array | undefined,
): Promise<void> {
  await Promise.all([
    from === undefined ? undefined : setAssociated(c, from, kind, id, false),
    to === undefined ? undefined : setAssociated(c, to, kind, id, true),
  ])
}

/** Adds a queue to the sets that its record names, or removes it. */
export async function setAllAssociated(c: RedisContext, queue: QueueRecord, isMember: boolean): Promise<void> {
  const { recipientId, rcvServiceId, notifier } = queue
  await Promise.all([
    rcvServiceId === undefined ? undefined : setAssociated(c, rcvServiceId, "messages", recipientId, isMember),
    notifier?.serviceId === undefined
      ? undefined
      : setAssociated(c, notifier.serviceId, "notifications", notifier.notifierId, isMember),
  ])
}

export async function associatedTotals(
  c: RedisContext,
  serviceId: Uint8Array,
  kind: ServiceKind,
): Promise<ServiceTotals> {
  const parts = await Promise.all(
    Array.from({ length: SERVICE_PARTS }, async (_, part) => {
      const { ids, hash } = c.keys.serviceQueues(serviceId, kind, part)
      return c.connection.run({
        steps: [
          ["ZCARD", ids],
          ["GET", hash],
        ],
        write: false,
      })
    }),
  )
  return parts.reduce<ServiceTotals>(
    ({ count, idsHash }, [size, hash]) => ({
      count: count + countIn(size),
      idsHash: xorHashes(idsHash, copyOf(bytesIn(hash) ?? emptyIdsHash())),
    }),
    { count: 0, idsHash: emptyIdsHash() },
  )
}

export async function walkAssociated(
  c: RedisContext,
  serviceId: Uint8Array,
  kind: ServiceKind,
  options: { readonly limit: number } & Step,
): Promise<{ readonly ids: Uint8Array[]; readonly step: Step }> {
  const from = options.cursor === undefined ? 0 : partOf(options.cursor)
  const parts = Array.from({ length: SERVICE_PARTS }, (_, part) => c.keys.serviceQueues(serviceId, kind, part).ids)
  return walkKeys(c, parts.slice(from), options)
}

function partOf(id: Uint8Array): number {
  return isId(id) ? (id[0] as number) >> 4 : 0
}
