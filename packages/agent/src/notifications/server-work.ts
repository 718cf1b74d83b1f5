import { equalBytes } from "@sluice/encoding/bytes"
import type { Server } from "@sluice/encoding/server-address"
import type { NtfClient } from "@sluice/ntf-client/client"
import type { SubscriptionRequest, TokenAccess } from "@sluice/ntf-client/ntf-commands"
import type { SubscriptionStatus } from "@sluice/ntf-protocol/status"
import type { Outcome } from "@sluice/smp-client/request"
import type { EntityId } from "@sluice/smp-protocol/types"
import type { AgentError } from "../errors.ts"
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

/** One command about many rows. */
interface Inquiry<Question, Answer> {
  /** What to ask about a row; `undefined` where something else has to be done first, and was begun. */
  questionOf(parts: WorkParts, row: SubscriptionRecord): Promise<Question | undefined>
  /** Asks in one turn; answers in the order of the questions. */
  send(client: NtfClient, token: TokenAccess, questions: readonly Question[]): Promise<Outcome<Answer>[]>
  answered(parts: WorkParts, row: SubscriptionRecord, answer: Answer, token: TokenAccess): Promise<void>
  /** What to do if the server does not know what it is asked about; by default that is a failure like others. */
  unknown?(parts: WorkParts, row: SubscriptionRecord): Promise<void>
}

const SUBSCRIBE: Inquiry<SubscriptionRequest, EntityId> = {
  questionOf: requestFor,
  send: (client, token, requests) => client.subscribeMany(token, requests),
  answered: subscribed,
}

const CHECK: Inquiry<EntityId, SubscriptionStatus> = {
  questionOf: async (parts, row) => {
    if (row.subscriptionId === undefined) await anew(parts, row)
    return row.subscriptionId
  },
  send: (client, { key }, ids) => client.checkSubscriptions(ids, key),
  answered: checked,
  // The server has no such subscription, or the registration is another one.
  unknown: anew,
}

/** Makes and checks subscriptions at one notification server (notifications-client.md §4.4). */
export async function workAtServer(
  parts: WorkParts,
  server: Server,
  taken: readonly SubscriptionRecord[],
): Promise<readonly SubscriptionRecord[]> {
  const of = (type: string): SubscriptionRecord[] => taken.filter(({ action }) => action?.type === type)
  // Both are sent in one turn where both are due.
  const later = await Promise.all([
    askAbout(parts, server, of("create"), SUBSCRIBE),
    askAbout(parts, server, of("check"), CHECK),
  ])
  return later.flat()
}

/** Asks the server about all rows that there is something to ask about; gives those that failed for now. */
async function askAbout<Question, Answer>(
  parts: WorkParts,
  server: Server,
  rows: readonly SubscriptionRecord[],
  { questionOf, send, answered, unknown }: Inquiry<Question, Answer>,
): Promise<readonly SubscriptionRecord[]> {
  const later: SubscriptionRecord[] = []
  const fail = async (row: SubscriptionRecord, error: AgentError): Promise<void> => {
    if (await failed(parts, row, error)) later.push(row)
  }
  const token = parts.tokens.instant
  if (token === undefined) {
    for (const row of rows) await fail(row, notInstant())
    return later
  }
  const asked: SubscriptionRecord[] = []
  const questions: Question[] = []
  for (const row of rows) {
    const question = await questionOf(parts, row)
    if (question === undefined) continue
    asked.push(row)
    questions.push(question)
  }
  if (asked.length === 0) return later
  const access = accessOf(token)
  const answers = parts.sessions.background(server, (client) => send(client, access, questions))
  const outcomes = await allOrNone(answers, asked.length)
  await Promise.all(
    asked.map(async (row, n) => {
      const outcome = outcomes[n] as Outcome<Answer>
      if (outcome.ok) return await answered(parts, row, outcome.value, access)
      const error = ntfError(outcome.error, server)
      if (unknown !== undefined && isUnknown(error)) await unknown(parts, row)
      else await fail(row, error)
    }),
  )
  return later
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

async function subscribed(
  { rows, clock }: WorkParts,
  { connectionId }: SubscriptionRecord,
  subscriptionId: EntityId,
  { tokenId }: TokenAccess,
): Promise<void> {
  const now = rows.get(connectionId)
  if (now === undefined) return
  const state = { type: "CREATED", status: { type: "NEW" } } as const
  const action = { type: "check", at: clock.now() + FIRST_CHECK } as const
  await rows.put(finished(now, { subscriptionId, tokenId, state, action }))
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

/** A server that must not be connected to, by the settings of the network, fails each of the commands. */
async function allOrNone<T>(asked: Promise<Outcome<T>[]>, count: number): Promise<Outcome<T>[]> {
  try {
    return await asked
  } catch (error) {
    return Array.from({ length: count }, () => ({ ok: false, error }))
  }
}
