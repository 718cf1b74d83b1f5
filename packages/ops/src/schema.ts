/**
 * The versions of a data format, and how data of an earlier one becomes data of this program's. Every store that outlives
 * its process names one: LMDB files, the keys in Redis, an agent's files. Data of a later version is refused, never read.
 */
export interface Schema<T> {
  /** What the data is, for the line that refuses it: "the store", "the notification store". */
  readonly name: string
  /** The version that this program reads and writes; steps lead up to it without a gap. */
  readonly version: number
  readonly steps: readonly SchemaStep<T>[]
}

/** From the version before {@link to} to that version. */
export interface SchemaStep<T> {
  readonly to: number
  /** What it changes, in words for operators and for the table in docs/upgrading.md. */
  readonly what: string
  /**
   * Whether programs of the version before can go on with the data afterwards. A step is one that breaks them unless it
   * says that it does not; stores that several programs use at once then want the others to be stopped.
   */
  readonly compatible?: boolean
  /** Changes the data. It may have been interrupted before in the middle: what it did must do no harm when done again. */
  run(target: T): void | Promise<void>
}

/** Data of a version that this program does not know. The message is one line for operators that names both versions. */
export class SchemaError extends Error {
  override readonly name = "SchemaError"
  readonly found: number
  readonly known: number

  constructor(message: string, versions: { readonly found: number; readonly known: number }) {
    super(message)
    this.found = versions.found
    this.known = versions.known
  }
}

/**
 * The steps that data of version `found` needs, in order; none when it is this program's. Throws {@link SchemaError} for
 * data that a later program wrote, and for data older than all steps.
 */
export function stepsFrom<T>({ name, version, steps }: Schema<T>, found: number): readonly SchemaStep<T>[] {
  const versions = { found, known: version }
  if (found > version) {
    throw new SchemaError(
      `${name} has schema version ${found}, this program knows ${version}: run the newer program that wrote it`,
      versions,
    )
  }
  const needed = steps.filter(({ to }) => to > found).toSorted((a, b) => a.to - b.to)
  const complete = needed.length === version - found && needed.every(({ to }, i) => to === found + 1 + i)
  if (complete) return needed
  throw new SchemaError(
    `${name} has schema version ${found}, this program knows ${version} and can't change it: run a program between them first`,
    versions,
  )
}

/**
 * Runs the steps that data of version `found` needs, each followed by `commit`, which records its version. Whenever it is
 * interrupted, the next run begins with the step that was not recorded. Gives the number of steps.
 */
export async function migrate<T>(
  schema: Schema<T>,
  found: number,
  target: T,
  commit: (step: SchemaStep<T>) => void | Promise<void>,
): Promise<number> {
  const steps = stepsFrom(schema, found)
  for (const step of steps) {
    await step.run(target)
    await commit(step)
  }
  return steps.length
}
