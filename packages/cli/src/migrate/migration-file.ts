import { readFile, rm } from "node:fs/promises"
import { join } from "node:path"
import { writeFileAtomic } from "@sluice/ops/atomic-file"
import { OperatorError } from "@sluice/ops/operator-error"
import {
  MIGRATION_PHASES,
  type MigratedCounts,
  type MigrationState,
  NOTHING_MIGRATED,
} from "@sluice/queue-store/migration/migrate-store"
import type { Place } from "../place.ts"

/** Stores that a relay can be moved between. */
export type StoreKind = "lmdb" | "redis"

/** A migration under way, as it is kept in the data folder. */
export interface Migration {
  /** Told apart from others by the target. */
  readonly name: string
  readonly to: StoreKind
  readonly state: MigrationState
  /** Everything was compared: only the last steps may be missing. */
  readonly verified: boolean
}

/** Keeps a migration, so that one that is interrupted goes on. */
export class MigrationFile {
  readonly path: string

  constructor({ dataFolder }: Place) {
    this.path = join(dataFolder, "migration.json")
  }

  /** The migration that was not finished, if there is one. Throws `OperatorError` for a file that can't be read. */
  async read(): Promise<Migration | undefined> {
    const text = await readFile(this.path, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined
      throw error
    })
    if (text === undefined) return undefined
    const migration = parse(text)
    if (migration !== undefined) return migration
    throw new OperatorError(`${this.path} is garbled: remove it and the target, and begin again`)
  }

  write(migration: Migration): Promise<void> {
    return writeFileAtomic(this.path, `${JSON.stringify({ format: 1, ...migration })}\n`)
  }

  remove(): Promise<void> {
    return rm(this.path, { force: true })
  }
}

function parse(text: string): Migration | undefined {
  try {
    const value: unknown = JSON.parse(text)
    const { format, name, to, verified, state } = (value ?? {}) as Record<string, unknown>
    if (format !== 1 || typeof name !== "string" || typeof verified !== "boolean" || !isState(state)) return undefined
    return to === "lmdb" || to === "redis" ? { name, to, verified, state } : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function isState(value: unknown): value is MigrationState {
  const { phase, cursor, copied } = (value ?? {}) as Partial<Record<keyof MigrationState, unknown>>
  const counts = (copied ?? {}) as Partial<Record<keyof MigratedCounts, unknown>>
  const counted = Object.keys(NOTHING_MIGRATED.copied).every(
    (name) => typeof counts[name as keyof MigratedCounts] === "number",
  )
  const known = MIGRATION_PHASES.some((candidate) => candidate === phase)
  return known && counted && (cursor === undefined || (typeof cursor === "string" && /^([0-9a-f]{2})+$/.test(cursor)))
}
