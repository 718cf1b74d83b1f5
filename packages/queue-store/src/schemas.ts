import type { Schema } from "@sluice/ops/schema"
import type { BinaryRoot } from "./lmdb/lmdb-tables.ts"
import type { RedisContext } from "./redis/context.ts"

/**
 * The versions of everything that queue stores keep, and how data of an earlier version becomes that of the present one.
 * Change a layout only together with a step here, a test of it with data of the version before, and a row in
 * docs/upgrading.md.
 */

/** Files of the embedded store. A step runs inside of one transaction with the record of its version: all of it or nothing. */
export const LMDB_SCHEMA: Schema<BinaryRoot> = {
  name: "the store",
  version: 2,
  steps: [
    {
      to: 2,
      what: "recent messages have a table of their own",
      // Nothing to change: what is there lies in the table that stays. An older program would not see what comes.
      run: () => undefined,
    },
  ],
}

/**
 * Keys in Redis, while nodes of two releases may be at work. A step goes over them in bounded pieces and may be repeated.
 * There has been no other version yet.
 */
export const REDIS_SCHEMA: Schema<RedisContext> = { name: "the store in Redis", version: 1, steps: [] }
