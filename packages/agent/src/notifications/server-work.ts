import { equalBytes } from "@sluice/encoding/bytes"
import type { Server } from "@sluice/encoding/server-address"
import type { SubscriptionRequest } from "@sluice/ntf-client/ntf-commands"
import type { SubscriptionStatus } from "@sluice/ntf-protocol/status"
import type { Outcome } from "@sluice/smp-client/request"
import type { EntityId } from "@sluice/smp-protocol/types"
import { isUnknown, ntfError } from "./ntf-error.ts"
import type { SubscriptionRecord } from "./records.ts"
import { finished, fromTheStart } from "./subscription-rows.ts"
import { notifiedQueue } from "./supervisor.ts"
import { accessOf, notInstant } from "./tokens.ts"
import { failed, type WorkParts } from "./work-parts.ts"

/** The first look at a subscription that was made, ms. */
const FIRST_CHECK = 86_400_000
/** Looks after it, ms. */
const NEXT_CHECK = 3 * 86_400_000

type Later = SubscriptionRecord[]

/** Makes and checks subscriptions at one notification server (notifications-client.md §4.4). */
export async function workAtServer(
  parts: WorkParts,
  server: Server,
  taken: readonly SubscriptionRecord[],
): Promise<readonly SubscriptionRecord[]> {
  const later: Later = []
  const of = (type: string): SubscriptionRecord[] => taken.filter(({ action }) => action?.type === type)
  // Both are sent in one turn where both are due.
  await Promise.all([subscribe(parts, server, of("create"), later), check(parts, server, of("check"), later)])
  return later
}

async function subscribe(
  parts: WorkParts,
  server: Server,
  rows: readonly SubscriptionRecord[],
  later: Later,
): Promise<void> {
  const token = parts.tokens.instant
  const ready: { readonly row: SubscriptionRecord; readonly request: SubscriptionRequest }[] = []
  for (const row of rows) {
    if (token === undefined) await put(parts, row, notInstant(), later)
    else {
      const request = await requestFor(parts, row)
      if (request !== undefined) ready.push({ row, request })
    }
  }
  if (token === undefined || ready.length === 0) return
  const requests = ready.map(({ request }) => request)
  const asked = parts.sessions.background(server, (client) => client.subscribeMany(accessOf(token), requests))
  const outcomes = await allOrNone(asked, ready.length)
  await each(ready, outcomes, async ({ row }, outcome: Outcome<EntityId>) => {
    if (!outcome.ok) return await put(parts, row, ntfError(outcome.error, server), later)
    const now = parts.rows.get(row.connectionId)
    if (now === undefined) return
    await parts.rows.put(
      finished(now, {
        subscriptionId: outcome.value,
        tokenId: token.tokenId,
        state: { type: "CREATED", status: { type: "NEW" } },
        action: { type: "check", at: parts.clock.now() + FIRST_CHECK },
      }),
    )
  })
}

/** What `SNEW` says of a row; without the notifier's keys another notifier has to be made. */
async function requestFor(parts: WorkParts, row: SubscriptionRecord): Promise<SubscriptionRequest | undefined> {
  const { connectionId, relay, notifierId } = row
  const record = await parts.store.get("connections", [connectionId])
  const queue = record && notifiedQueue(record)
  if (queue === undefined) {
    await parts.rows.remove(connectionId)
    return undefined
  }
  const { notifier } = queue
  if (notifier === undefined || notifierId === undefined || !equalBytes(notifier.notifierId, notifierId)) {
    await anew(parts, row)
    return undefined
  }
  return { queue: { server: relay, notifierId }, notifierKey: notifier.notifierKey }
}

async function check(
  parts: WorkParts,
  server: Server,
  rows: readonly SubscriptionRecord[],
  later: Later,
): Promise<void> {
  const token = parts.tokens.instant
  const ready: { readonly row: SubscriptionRecord; readonly id: EntityId }[] = []
  for (const row of rows) {
    if (token === undefined) await put(parts, row, notInstant(), later)
    else if (row.subscriptionId === undefined) await anew(parts, row)
    else ready.push({ row, id: row.subscriptionId })
  }
  if (token === undefined || ready.length === 0) return
  const { key } = accessOf(token)
  const ids = ready.map(({ id }) => id)
  const asked = parts.sessions.background(server, (client) => client.checkSubscriptions(ids, key))
  const outcomes = await allOrNone(asked, ready.length)
  await each(ready, outcomes, async ({ row }, outcome: Outcome<SubscriptionStatus>) => {
    if (outcome.ok) return await checked(parts, row, outcome.value)
    const error = ntfError(outcome.error, server)
    // The server has no such subscription, or the registration is another one.
    if (isUnknown(error)) await anew(parts, row)
    else await put(parts, row, error, later)
  })
}

async function checked(parts: WorkParts, row: SubscriptionRecord, status: SubscriptionStatus): Promise<void> {
  if (!isGood(status)) return await anew(parts, row)
  const now = parts.rows.get(row.connectionId)
  if (now === undefined) return
  const action = { type: "check", at: parts.clock.now() + NEXT_CHECK } as const
  await parts.rows.put(finished(now, { state: { type: "CREATED", status }, action }))
}

/** The relay answers it, or will. */
function isGood({ type }: SubscriptionStatus): boolean {
  return type === "NEW" || type === "PENDING" || type === "ACTIVE" || type === "INACTIVE"
}

/** Another notifier and another subscription, at the server of the present registration. */
async function anew(parts: WorkParts, { connectionId }: SubscriptionRecord): Promise<void> {
  const now = parts.rows.get(connectionId)
  if (now === undefined || now.changed === true) return
  const ntfServer = parts.tokens.current?.server ?? now.ntfServer
  const next = fromTheStart({ ...now, ntfServer }, parts.clock.now())
  await parts.rows.put(next)
  parts.wake(next)
}

async function put(parts: WorkParts, row: SubscriptionRecord, error: unknown, later: Later): Promise<void> {
  if (await failed(parts, row, error)) later.push(row)
}

/** A server that must not be connected to, by the settings of the network, fails each of the commands. */
async function allOrNone<T>(asked: Promise<Outcome<T>[]>, count: number): Promise<Outcome<T>[]> {
  try {
    return await asked
  } catch (error) {
    return Array.from({ length: count }, () => ({ ok: false, error }))
  }
}

/** Each with its outcome. */
async function each<T, O>(
  items: readonly T[],
  outcomes: readonly O[],
  take: (item: T, outcome: O) => Promise<void>,
): Promise<void> {
  await Promise.all(items.map((item, n) => take(item, outcomes[n] as O)))
}
