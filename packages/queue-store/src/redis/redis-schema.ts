import { nativeCrypto } from "@sluice/crypto/native"
import { type Clock, systemClock } from "@sluice/ops/clock"
import { migrate, type Schema, SchemaError, stepsFrom } from "@sluice/ops/schema"
import { listOf, numberOf, textOf } from "@sluice/redis/redis-command"
import { type Script, script } from "@sluice/redis/script"
import { REDIS_SCHEMA } from "../schemas.ts"
import type { RedisContext } from "./context.ts"
import { BUCKETS } from "./keys.ts"
import { numberIn } from "./record-fields.ts"
import { type RedisStoreOptions, redisContext } from "./redis-store.ts"

/** Data without a record of its version was written before there was one. */
const UNRECORDED = 1
/** Milliseconds that a node may be silent while it changes the data, and in which it says three times that it is there. */
const LOCK = 60_000

/** Ends a lock if it is still this one. Keys: lock. Arguments: token. */
const UNLOCK: Script = script({
  name: "schema: unlock",
  keys: 1,
  lua: `
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
`,
})

export interface RedisSchemaOptions extends RedisStoreOptions {
  /** How many nodes are at work on the data now; asked for only before a step that they could not go on after. */
  readonly nodes: () => Promise<number>
  /** Told before each step. */
  readonly onStep?: (what: string) => void
  readonly schema?: Schema<RedisContext>
}

/**
 * Makes sure that the data below a prefix is of a version that this program can work on; to be called before the store is
 * used. Two numbers are kept: the version of the data, and the least version of programs that may work on it.
 *
 * - New: both become this program's.
 * - Older: its steps are taken, by one node. A step that others could not go on after is refused while there are others,
 *   and raises the least version before it begins, so that none of them comes back in the middle of it.
 * - Newer: fine if programs of this version may still work on it, which is what makes rolling upgrades possible.
 *
 * Rejects with `SchemaError`, one line for operators, and with what the connection throws.
 */
export async function prepareRedisSchema(options: RedisSchemaOptions): Promise<void> {
  const { schema = REDIS_SCHEMA, clock = systemClock } = options
  const c = redisContext(options)
  const found = await recorded(c, schema.version)
  if (found.version > schema.version && found.least <= schema.version) return
  // A step that broke off has raised the least version already.
  if (found.least > schema.version) stepsFrom(schema, Math.max(found.version, found.least))
  const steps = stepsFrom(schema, found.version)
  if (steps.length === 0) return
  const breaking = steps.filter(({ compatible = false }) => !compatible).at(-1)
  await alone(c, clock, options, { found: found.version, known: schema.version }, async () => {
    const others = breaking === undefined ? 0 : await options.nodes()
    if (breaking !== undefined && others > 0) {
      throw new SchemaError(
        `${schema.name} has schema version ${found.version}, this program makes it ${schema.version}, which the ${others} ` +
          `node(s) at work could not read: stop them first`,
        { found: found.version, known: schema.version },
      )
    }
    if (breaking !== undefined) await record(c, "least", breaking.to)
    const told = { ...schema, steps: schema.steps.map((step) => ({ ...step, run: announced(step, options.onStep) })) }
    // Somebody else may have taken some of them before this node had the lock.
    const { version } = await recorded(c, schema.version)
    await migrate(told, version, c, ({ to }) => record(c, "version", to))
  })
}

type Recorded = { readonly version: number; readonly least: number }

/** What the data is; for a new store, what it becomes. */
async function recorded(c: RedisContext, version: number): Promise<Recorded> {
  const stored = await read(c)
  if (stored !== undefined) return stored
  const first = (await redisHasData(c)) ? UNRECORDED : version
  const key = c.keys.schema()
  // The first of several nodes that start at once decides.
  await c.connection.run({ steps: [["HSETNX", key, "least", first]], write: true })
  await c.connection.run({ steps: [["HSETNX", key, "version", first]], write: true })
  return (await read(c)) ?? { version: first, least: first }
}

async function read(c: RedisContext): Promise<Recorded | undefined> {
  const [version, least] = listOf(await c.connection.command(["HMGET", c.keys.schema(), "version", "least"]))
  if (!(version instanceof Uint8Array) || !(least instanceof Uint8Array)) return undefined
  return { version: numberIn(version), least: numberIn(least) }
}

async function record(c: RedisContext, field: keyof Recorded, version: number): Promise<void> {
  await c.connection.run({ steps: [["HSET", c.keys.schema(), field, version]], write: true })
}

/** Whether there are queues, services or blobs, or have been. */
export async function redisHasData(c: RedisContext): Promise<boolean> {
  const lists = Array.from({ length: BUCKETS }, (_, bucket) => c.keys.list("queues", bucket))
  const keys = [c.keys.counts(), c.keys.services(), c.keys.blobs().times, ...lists]
  const there = await Promise.all(keys.map((key) => c.connection.command(["EXISTS", key])))
  return there.some((reply) => numberOf(reply) > 0)
}

/** Does something that only one node may do at a time. */
async function alone(
  c: RedisContext,
  clock: Clock,
  { crypto = nativeCrypto }: RedisSchemaOptions,
  versions: { readonly found: number; readonly known: number },
  run: () => Promise<void>,
): Promise<void> {
  const key = c.keys.schemaLock()
  const token = Buffer.from(crypto.randomBytes(16)).toString("hex")
  const reply = await c.connection.command(["SET", key, token, "NX", "PX", LOCK])
  if (!(reply instanceof Uint8Array) || textOf(reply) !== "OK") {
    throw new SchemaError(
      "another node is changing the data to a new version: start this one when that is done",
      versions,
    )
  }
  // A renewal that fails is made up for by the next; the steps themselves fail as well when Redis is away.
  const renew = (): Promise<unknown> => c.connection.command(["PEXPIRE", key, LOCK]).catch(() => undefined)
  let timer = clock.setTimeout(function again() {
    void renew()
    timer = clock.setTimeout(again, LOCK / 3)
  }, LOCK / 3)
  try {
    await run()
  } finally {
    timer.cancel()
    await c.connection.run({ steps: [{ script: UNLOCK, keys: [key], args: [token] }], write: false })
  }
}

function announced(
  step: Schema<RedisContext>["steps"][number],
  onStep: ((what: string) => void) | undefined,
): (c: RedisContext) => void | Promise<void> {
  return (c) => {
    onStep?.(`schema version ${step.to}: ${step.what}`)
    return step.run(c)
  }
}
