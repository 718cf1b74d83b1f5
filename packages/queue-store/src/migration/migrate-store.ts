import { OperatorError } from "@sluice/ops/operator-error"
import type { BlobHolder, BlobStore } from "../blob-store.ts"
import type { ImportedQueue, QueueStore, Step } from "../queue-store.ts"
import type { QueueRecord } from "../records.ts"

/** A store that everything can be moved out of or into. */
export type MovableStore = QueueStore & BlobHolder

/** In this order: queues name services, and nothing names blobs. */
export const MIGRATION_PHASES = ["services", "queues", "blobs", "done"] as const
export type MigrationPhase = (typeof MIGRATION_PHASES)[number]

/** How far a migration is. What lies before it is in the target; what follows may be there in part. */
export interface MigrationState {
  readonly phase: MigrationPhase
  /** Where the walk over that phase goes on, hexadecimal; from its beginning when absent. */
  readonly cursor?: string
  readonly copied: MigratedCounts
}

/** What was copied so far. */
export interface MigratedCounts {
  readonly services: number
  readonly queues: number
  /** Quota markers included. */
  readonly messages: number
  readonly notifications: number
  readonly blobs: number
}

export const NOTHING_MIGRATED: MigrationState = {
  phase: "services",
  copied: { services: 0, queues: 0, messages: 0, notifications: 0, blobs: 0 },
}

export interface MigrationOptions {
  /** Nobody else may change it meanwhile. */
  readonly source: MovableStore
  /** Empty at the beginning, and used by nobody else until the end. */
  readonly target: MovableStore
  /** What {@link MigrationOptions.save} was given last; {@link NOTHING_MIGRATED} at the beginning. */
  readonly state: MigrationState
  /** Keeps the state: everything before it is committed in the target. */
  readonly save: (state: MigrationState) => Promise<void>
  readonly onProgress?: (state: MigrationState) => void
  readonly signal?: AbortSignal
  /** Queues or blobs between two states. Default 200. */
  readonly batch?: number
}

/** Bytes of messages that are read before they are written. */
const CHUNK = 4 << 20
/** Queues that are read at the same time: with the usual quota, 32 MiB of messages at the most. */
const TOGETHER = 16
/** More than any notifier has pending in a day. */
const ALL_NOTIFICATIONS = 1_000_000

/**
 * Copies everything from one store to another: services, queues with their link data, messages and pending notifications,
 * blobs. Subscriptions are not copied; clients make them again. Whenever it is interrupted, calling it again with the state
 * that was saved last goes on: what is copied twice replaces itself.
 *
 * Rejects with `OperatorError` if the target has something else under an ID of the source, and with what the stores throw.
 */
export async function migrateStore(options: MigrationOptions): Promise<MigratedCounts> {
  const { save, onProgress, signal } = options
  let { state } = options
  while (state.phase !== "done") {
    signal?.throwIfAborted()
    const { copied, step } = await PHASES[state.phase](options, cursorOf(state))
    state = advance(state, copied, step)
    await save(state)
    onProgress?.(state)
  }
  return state.copied
}

interface Batch {
  readonly copied: Partial<MigratedCounts>
  readonly step: Step
}

const PHASES: Record<Exclude<MigrationPhase, "done">, (options: MigrationOptions, from: Step) => Promise<Batch>> = {
  services: copyServices,
  queues: copyQueues,
  blobs: copyBlobs,
}

async function copyServices({ source, target, batch = 200 }: MigrationOptions, from: Step): Promise<Batch> {
  const step = await source.services({ limit: batch, ...from })
  refuseConflicts((await target.importServices(step.services)).conflicts.length)
  return { copied: { services: step.services.length }, step }
}

async function copyQueues({ source, target, batch = 200 }: MigrationOptions, from: Step): Promise<Batch> {
  const step = await source.queues({ limit: batch, ...from })
  const copied = { queues: 0, messages: 0, notifications: 0 }
  let chunk: ImportedQueue[] = []
  let size = 0
  const write = async (): Promise<void> => {
    copied.queues += chunk.length
    copied.notifications += await writeQueues(source, target, chunk)
    chunk = []
    size = 0
  }
  for (let at = 0; at < step.queues.length; at += TOGETHER) {
    const read = await Promise.all(step.queues.slice(at, at + TOGETHER).map((queue) => readQueue(source, queue)))
    chunk.push(...read)
    const messages = read.flatMap((entry) => entry.messages ?? [])
    copied.messages += messages.length
    size += messages.reduce((sum, message) => sum + (message.kind === "message" ? message.body.length : 0), 0)
    if (size >= CHUNK) await write()
  }
  if (chunk.length > 0) await write()
  return { copied, step }
}

async function readQueue(source: QueueStore, queue: QueueRecord): Promise<ImportedQueue> {
  const { recipientId, linkId } = queue
  const [messages, linkData] = await Promise.all([
    source.messages(recipientId),
    linkId === undefined ? undefined : source.linkData(recipientId),
  ])
  return { queue, messages, ...(linkData !== undefined && { linkData }) }
}

/** Replacing a queue removes its pending notifications, so that adding them again does not double them. */
async function writeQueues(source: QueueStore, target: QueueStore, chunk: readonly ImportedQueue[]): Promise<number> {
  refuseConflicts((await target.importQueues(chunk)).conflicts.length)
  const notifiers = chunk.flatMap(({ queue }) => notifierIds(queue))
  const read = await Promise.all(
    notifiers.map(async (notifierId) => ({
      notifierId,
      notifications: await source.notifications(notifierId, ALL_NOTIFICATIONS),
    })),
  )
  const entries = read.filter(({ notifications }) => notifications.length > 0)
  if (entries.length > 0) refuseConflicts((await target.importNotifications(entries)).conflicts.length)
  return entries.reduce((sum, { notifications }) => sum + notifications.length, 0)
}

async function copyBlobs({ source, target, batch = 200 }: MigrationOptions, from: Step): Promise<Batch> {
  const step = await source.blobs.listBlobs({ limit: batch, ...from })
  for (const id of step.ids) await copyBlob(source.blobs, target.blobs, id)
  return { copied: { blobs: step.ids.length }, step }
}

async function copyBlob(source: BlobStore, target: BlobStore, id: Uint8Array): Promise<void> {
  const blob = await source.readBlob(id)
  if (blob === undefined) return
  const written = await target.writeBlob(id, blob, { limit: Number.MAX_SAFE_INTEGER })
  refuseConflicts(written.ok ? 0 : 1)
}

function refuseConflicts(conflicts: number): void {
  if (conflicts === 0) return
  throw new OperatorError(
    `the target has other data under ${conflicts} ID(s) of the source; allowed: a target that was empty when the migration began`,
  )
}

function notifierIds({ notifier }: QueueRecord): Uint8Array[] {
  return notifier === undefined ? [] : [notifier.notifierId]
}

function cursorOf({ cursor }: MigrationState): Step {
  return cursor === undefined ? {} : { cursor: new Uint8Array(Buffer.from(cursor, "hex")) }
}

function advance(
  { phase, copied: before }: MigrationState,
  added: Partial<MigratedCounts>,
  step: Step,
): MigrationState {
  const sum = (name: keyof MigratedCounts): number => before[name] + (added[name] ?? 0)
  const copied = {
    services: sum("services"),
    queues: sum("queues"),
    messages: sum("messages"),
    notifications: sum("notifications"),
    blobs: sum("blobs"),
  }
  if (step.cursor !== undefined) return { phase, cursor: Buffer.from(step.cursor).toString("hex"), copied }
  return { phase: MIGRATION_PHASES[MIGRATION_PHASES.indexOf(phase) + 1] ?? "done", copied }
}
