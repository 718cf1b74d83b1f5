import { equalBytes } from "@sluice/encoding/bytes"
import type { SmpClient } from "@sluice/smp-client/client"
import { notifierOf } from "../connection/notifier.ts"
import { networkError } from "../network/network-error.ts"
import { ownerOf, serverKey } from "../network/session-key.ts"
import type { ConnectionRecord, ReceiveQueueRecord } from "../store/records.ts"
import type { SubscriptionRecord } from "./records.ts"
import { finished, fromTheStart } from "./subscription-rows.ts"
import { notifiedQueue } from "./supervisor.ts"
import { notInstant } from "./tokens.ts"
import { failed, type WorkParts } from "./work-parts.ts"

/** A row whose relay is to be asked something about this queue. */
interface AtRelay {
  readonly row: SubscriptionRecord
  readonly record: ConnectionRecord
  readonly queue: ReceiveQueueRecord
  readonly client: SmpClient
}

/** Makes and removes notifiers at one relay (notifications-client.md §4.3); gives the rows that failed for now. */
export async function workAtRelay(
  parts: WorkParts,
  taken: readonly SubscriptionRecord[],
): Promise<readonly SubscriptionRecord[]> {
  const ready: AtRelay[] = []
  const later: SubscriptionRecord[] = []
  for (const row of taken) {
    try {
      const at = await prepare(parts, row)
      if (at !== undefined) ready.push(at)
    } catch (error) {
      if (await failed(parts, row, error)) later.push(row)
    }
  }
  // All commands in one turn, so that they share blocks.
  await Promise.all(
    ready.map(async (at) => {
      try {
        await (at.row.action?.type === "key" ? makeNotifier(parts, at) : removeNotifier(parts, at))
      } catch (error) {
        if (await failed(parts, at.row, networkError(error, at.queue))) later.push(at.row)
      }
    }),
  )
  return later
}

async function prepare(parts: WorkParts, row: SubscriptionRecord): Promise<AtRelay | undefined> {
  const { store, pool, rows, tokens } = parts
  const record = await store.get("connections", [row.connectionId])
  const queue = record && notifiedQueue(record)
  if (record === undefined || queue === undefined) {
    await rows.remove(row.connectionId)
    return undefined
  }
  if (row.action?.type === "key" && tokens.instant === undefined) throw notInstant()
  if (serverKey(queue.server) !== serverKey(row.relay)) {
    await moved(parts, row, queue)
    return undefined
  }
  if (row.action?.type === "delete") await forgetNotifier(parts, row, queue)
  const { client } = pool.session(ownerOf(record), queue.server)
  return { row, record, queue, client }
}

/** The connection receives at another relay now: what was made at the old one goes with its queue. */
async function moved(parts: WorkParts, row: SubscriptionRecord, queue: ReceiveQueueRecord): Promise<void> {
  if (row.action?.type === "delete") return await parts.rows.remove(row.connectionId)
  const next = fromTheStart({ ...row, relay: queue.server }, parts.clock.now())
  await parts.rows.put(next)
  parts.wake(next)
}

async function makeNotifier(parts: WorkParts, { row, queue, client }: AtRelay): Promise<void> {
  const { crypto, connections, clock } = parts
  const keys = { authKeys: crypto.generateKeyPair("ed25519"), dhKeys: crypto.generateKeyPair("x25519") } as const
  const created = await client.enableNotifications(queue, keys)
  const notifier = notifierOf(created)
  // The keys in the connection and the id in the row belong together, and are stored so.
  const next = await connections.change(row.connectionId, (draft) => {
    const now = parts.rows.get(row.connectionId)
    draft.setReceiveQueue(queue.key, { notifier })
    if (now === undefined) return undefined
    const { notifierId } = notifier
    const action = { type: "create", at: clock.now() } as const
    const end = finished(now, { notifierId, subscriptionId: undefined, state: { type: "KEY" }, action })
    draft.change(parts.rows.adopt(end))
    return end
  })
  if (next !== undefined) parts.wake(next)
}

/** `NDEL`. The notification server hears of it from the relay. */
async function removeNotifier({ rows }: WorkParts, { row, queue, client }: AtRelay): Promise<void> {
  await client.disableNotifications(queue)
  const now = rows.get(row.connectionId)
  if (now === undefined) return
  if (now.changed !== true) return await rows.remove(row.connectionId)
  await rows.put({ ...now, notifierId: undefined, subscriptionId: undefined, state: { type: "DELETED" } })
}

/** Its keys go first: what comes with them from now on is not wanted. */
async function forgetNotifier(
  { connections }: WorkParts,
  row: SubscriptionRecord,
  queue: ReceiveQueueRecord,
): Promise<void> {
  const { notifier } = queue
  if (notifier === undefined) return
  await connections.change(row.connectionId, (draft) => {
    const known = draft.receiveQueue(queue.key)?.notifier
    if (known !== undefined && equalBytes(known.notifierId, notifier.notifierId)) {
      draft.setReceiveQueue(queue.key, { notifier: undefined })
    }
  })
}
