import { z } from "zod"

/** What a configuration file can hold for one setting. Environment variables and command lines hold strings. */
export type TomlInput = string | number | boolean | readonly TomlInput[]

/** One kind of value: how it is read, what it may be in words, and how it is written. */
export interface Kind<T> {
  /** Accepts the TOML forms and the string form (environment), gives the program's form. */
  readonly schema: z.ZodType<T>
  /** What is allowed, completing "allowed: …"; shown in errors, files and documents. */
  readonly allowed: string
  /** Values of this kind are never shown. */
  readonly secret: boolean
  /** The value as it would stand in a file; read back, it gives an equal value. */
  show(value: T): TomlInput
}

/**
 * A kind from any zod schema. Issues of the schema are not shown to operators, `allowed` is: say there what they need.
 * @param show how a value stands in a file; by default as itself, which suits strings, numbers, booleans and lists of them
 */
export function kindOf<T extends TomlInput>(schema: z.ZodType<T>, allowed: string): Kind<T>
export function kindOf<T>(schema: z.ZodType<T>, allowed: string, show: (value: T) => TomlInput): Kind<T>
export function kindOf<T>(
  schema: z.ZodType<T>,
  allowed: string,
  show: (value: T) => TomlInput = (value) => value as TomlInput,
): Kind<T> {
  return { schema, allowed, secret: false, show }
}

/** A kind from a function that gives the value or calls `refuse` and returns its result. */
export function parsedKind<T>(
  allowed: string,
  read: (raw: unknown, refuse: () => T) => T,
  show: (value: T) => TomlInput,
): Kind<T> {
  const schema: z.ZodType<T> = z.unknown().transform((raw, context) =>
    read(raw, () => {
      context.addIssue({ code: "custom", message: allowed })
      return z.NEVER
    }),
  )
  return { schema, allowed, secret: false, show }
}
