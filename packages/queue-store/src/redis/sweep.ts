import { equalBytes } from "@sluice/encoding/bytes"
import { sleep } from "@sluice/ops/clock"
import { listOf, textOf } from "@sluice/redis/redis-command"
import { ID_LENGTH } from "../codec/keys.ts"
import { readU40 } from "../codec/numbers.ts"
import type { Step } from "../queue-store.ts"
import type { QueueRecord, ServiceKind } from "../records.ts"
import type { RedisContext } from "./context.ts"
import { hasId, ownerIn } from "./indexes.ts"
import type { ListKind } from "./keys.ts"
import { setAssociated, walkAssociated } from "./operations/associations.ts"
import { addToList, removeFromList, walkList } from "./operations/lists.ts"
import { services } from "./operations/services.ts"
import { type RedisStoreOptions, redisContext } from "./redis-store.ts"

export interface SweepOptions extends RedisStoreOptions, Step {
  /** Entries that one step looks at, roughly. */
  readonly limit: number
  readonly signal?: AbortSignal
  /** Milliseconds after which no operation can be under way any more. Default 60 s. */
  readonly grace?: number
}

/** One step of a sweep: how many entries were repaired, and how to go on. */
export interface Swept extends Step {
  readonly repaired: number
}

const GRACE = 60_000

/**
 * One bounded step of a sweep of everything that stands beside the records of queues: indexes, lists, sets of services.
 * Operations change them before or after the record, and one that was interrupted leaves them behind. What does not fit is
 * looked at again after a time in which every operation ends, and only then removed or added. Call again with the cursor
 * until it is absent. Bodies whose message was never stored vanish by themselves.
 */
export async function sweepRedis(options: SweepOptions): Promise<Swept> {
  const c = redisContext(options)
  const { cursor, limit } = options
  const phase = PHASES[cursor?.[0] ?? 0]
  if (phase === undefined) return { repaired: 0 }
  const inner = cursor !== undefined && cursor.length > 1 ? { cursor: cursor.subarray(1) } : {}
  const { broken, step } = await phase(c, { limit, ...inner })
  const repaired = broken.length === 0 ? 0 : await repair(c, broken, options)
  if (step.cursor !== undefined) return { repaired, cursor: cursorOf(cursor?.[0] ?? 0, step.cursor) }
  const next = (cursor?.[0] ?? 0) + 1
  return next < PHASES.length ? { repaired, cursor: cursorOf(next) } : { repaired }
}

/** Something that does not fit: how to see whether that is still so, and how to put it right. */
interface Broken {
  readonly isStill: () => Promise<boolean>
  readonly repair: () => Promise<void>
}

type Phase = (
  c: RedisContext,
  options: { readonly limit: number } & Step,
) => Promise<{ readonly broken: readonly Broken[]; readonly step: Step }>

const PHASES: readonly Phase[] = [
  brokenIndexes,
  (c, options) => brokenEntries(c, "queues", options),
  (c, options) => brokenEntries(c, "notifiers", options),
  brokenAssociations,
]

async function repair(
  c: RedisContext,
  broken: readonly Broken[],
  { grace = GRACE, signal }: SweepOptions,
): Promise<number> {
  await sleep(c.clock, grace, signal)
  let repaired = 0
  for (const entry of broken) {
    if (!(await entry.isStill())) continue
    await entry.repair()
    repaired++
  }
  return repaired
}

/** Indexes of queues that are not there, or have another ID. A cursor is the name of a server and where it is. */
async function brokenIndexes(
  c: RedisContext,
  { limit, cursor }: { readonly limit: number } & Step,
): Promise<{ readonly broken: readonly Broken[]; readonly step: Step }> {
  const [name = "", position = "0"] = cursor === undefined ? [] : Buffer.from(cursor).toString("utf8").split(" ")
  const nodes = [...c.connection.nodes()].sort((a, b) => (a.name < b.name ? -1 : 1))
  const at = Math.max(
    0,
    nodes.findIndex((node) => node.name >= name),
  )
  const node = nodes[at]
  if (node === undefined) return { broken: [], step: {} }
  const from = node.name === name ? position : "0"
  const reply = listOf(await node.command(["SCAN", from, "MATCH", c.keys.indexPattern(), "COUNT", limit]))
  const keys = listOf(reply[1]).map(textOf)
  const found = await Promise.all(keys.map((key) => brokenIndex(c, key)))
  const next = textOf(reply[0])
  const follower = next === "0" ? nodes[at + 1]?.name : node.name
  const step = follower === undefined ? {} : { cursor: Buffer.from(`${follower} ${next}`) }
  return { broken: found.filter((entry) => entry !== undefined), step }
}

async function brokenIndex(c: RedisContext, key: string): Promise<Broken | undefined> {
  const index = c.keys.indexOf(key)
  const value = await c.connection.command(["GET", key])
  const recipientId = ownerIn(value)
  if (index === undefined || recipientId === undefined || !(value instanceof Uint8Array)) return undefined
  const { kind, id } = index
  const isStill = async (): Promise<boolean> => {
    const record = await c.indexes.record(recipientId)
    return record === undefined || !hasId(record, kind, id)
  }
  // One that was written a moment ago belongs to a queue that is being created.
  const age = c.clock.now() / 1000 - readU40(value, ID_LENGTH)
  if (age * 1000 < GRACE || !(await isStill())) return undefined
  return { isStill, repair: () => c.indexes.release(kind, id, recipientId) }
}

/** Entries of lists without a queue, and queues that are not in the sets that their record names. */
async function brokenEntries(
  c: RedisContext,
  of: ListKind,
  options: { readonly limit: number } & Step,
): Promise<{ readonly broken: readonly Broken[]; readonly step: Step }> {
  const { ids, step } = await walkList(c, of, options)
  const find = (id: Uint8Array): Promise<QueueRecord | undefined> =>
    of === "queues" ? c.indexes.record(id) : c.indexes.recordBy("notifier", id)
  const broken = await Promise.all(
    ids.map(async (id): Promise<readonly Broken[]> => {
      const record = await find(id)
      if (record !== undefined) return of === "queues" ? missingBeside(c, record) : []
      const isStill = async (): Promise<boolean> => (await find(id)) === undefined
      return [{ isStill, repair: () => removeFromList(c, of, id) }]
    }),
  )
  return { broken: broken.flat(), step }
}

/** What the record names and is not there: its notifier in the list, itself in the sets of services. */
async function missingBeside(c: RedisContext, { recipientId, notifier, rcvServiceId }: QueueRecord): Promise<Broken[]> {
  const broken: Broken[] = []
  const check = async (isThere: () => Promise<boolean>, add: () => Promise<void>): Promise<void> => {
    if (!(await isThere())) broken.push({ isStill: async () => !(await isThere()), repair: add })
  }
  if (rcvServiceId !== undefined) await check(...association(c, rcvServiceId, "messages", recipientId, recipientId))
  if (notifier !== undefined) {
    const { notifierId, serviceId } = notifier
    const isNamed = async (): Promise<boolean> => {
      const now = (await c.indexes.record(recipientId))?.notifier?.notifierId
      return now === undefined || !equalBytes(now, notifierId) || (await isListed(c, notifierId))
    }
    await check(isNamed, () => addToList(c, "notifiers", notifierId))
    if (serviceId !== undefined) await check(...association(c, serviceId, "notifications", notifierId, recipientId))
  }
  return broken
}

/** Whether a queue is in the set of its service (or has another one by now), and how to add it. */
function association(
  c: RedisContext,
  serviceId: Uint8Array,
  kind: ServiceKind,
  id: Uint8Array,
  recipientId: Uint8Array,
): readonly [isThere: () => Promise<boolean>, add: () => Promise<void>] {
  const isThere = async (): Promise<boolean> => {
    const record = await c.indexes.record(recipientId)
    if (record === undefined || !names(record, serviceId, kind, id)) return true
    const { ids } = c.keys.serviceQueues(serviceId, kind, (id[0] as number) >> 4)
    return (await c.connection.command(["ZSCORE", ids, id])) !== null
  }
  return [isThere, () => setAssociated(c, serviceId, kind, id, true)]
}

async function isListed(c: RedisContext, notifierId: Uint8Array): Promise<boolean> {
  const key = c.keys.list("notifiers", notifierId[0] as number)
  return (await c.connection.command(["ZSCORE", key, notifierId])) !== null
}

/**
 * Members of services' sets whose record names another service or none. A step looks at one service and kind; a cursor is
 * the service before, or 24 bytes service, u8 kind and the ID that was last in its set.
 */
async function brokenAssociations(
  c: RedisContext,
  { limit, cursor }: { readonly limit: number } & Step,
): Promise<{ readonly broken: readonly Broken[]; readonly step: Step }> {
  const before = cursor?.subarray(0, ID_LENGTH)
  const inside = cursor !== undefined && cursor.length > ID_LENGTH
  let serviceId = before
  if (!inside) {
    const [next] = (await services(c, { limit: 1, ...(before !== undefined && { cursor: before }) })).services
    serviceId = next?.serviceId
  }
  if (serviceId === undefined) return { broken: [], step: {} }
  const kindByte = inside ? (cursor[ID_LENGTH] as number) : 0
  const kind: ServiceKind = kindByte === 0 ? "messages" : "notifications"
  const at = inside && cursor.length > ID_LENGTH + 1 ? { cursor: cursor.subarray(ID_LENGTH + 1) } : {}
  const { ids, step } = await walkAssociated(c, serviceId, kind, { limit, ...at })
  const found = await Promise.all(ids.map((id) => strayMember(c, serviceId, kind, id)))
  const next =
    step.cursor !== undefined
      ? Buffer.concat([serviceId, Buffer.of(kindByte), step.cursor])
      : kindByte === 0
        ? Buffer.concat([serviceId, Buffer.of(1)])
        : serviceId
  return { broken: found.filter((entry) => entry !== undefined), step: { cursor: next } }
}

async function strayMember(
  c: RedisContext,
  serviceId: Uint8Array,
  kind: ServiceKind,
  id: Uint8Array,
): Promise<Broken | undefined> {
  const isStill = async (): Promise<boolean> => {
    const record = await (kind === "messages" ? c.indexes.record(id) : c.indexes.recordBy("notifier", id))
    return record === undefined || !names(record, serviceId, kind, id)
  }
  return (await isStill()) ? { isStill, repair: () => setAssociated(c, serviceId, kind, id, false) } : undefined
}

/** Whether the record says that this ID belongs to the service. */
function names(record: QueueRecord, serviceId: Uint8Array, kind: ServiceKind, id: Uint8Array): boolean {
  const own = kind === "messages" ? record.rcvServiceId : record.notifier?.serviceId
  const ownId = kind === "messages" ? record.recipientId : record.notifier?.notifierId
  return own !== undefined && ownId !== undefined && equalBytes(own, serviceId) && equalBytes(ownId, id)
}

function cursorOf(phase: number, inner: Uint8Array = new Uint8Array(0)): Uint8Array {
  return Buffer.concat([Buffer.of(phase), inner])
}
