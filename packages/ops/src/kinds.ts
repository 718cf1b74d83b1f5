// The kinds of value that settings have. Each accepts what TOML offers for it and the string that an environment
// variable holds.
import { z } from "zod"
import { type Bind, formatBind, parseBind } from "./bind.ts"
import { type Kind, kindOf, parsedKind } from "./kind.ts"
import { formatNetwork, type Network, parseNetwork } from "./network.ts"
import { formatDuration, formatSize, parseDuration, parseSize } from "./quantity.ts"
import { Secret } from "./secret.ts"

/** Limits of a number, both inclusive. */
export interface Range {
  readonly min?: number
  readonly max?: number
}

/** Limits of a duration or size, written as operators write them. Both inclusive. */
export interface QuantityRange {
  readonly min?: string
  readonly max?: string
}

/** A time span in whole milliseconds, written `1.5s`, `250ms`, `2h`, `21d`; a plain number is seconds. */
export function duration(range: QuantityRange = {}): Kind<number> {
  return quantity("a duration such as 250ms, 1.5s, 10m, 2h or 21d", range, parseDuration, formatDuration)
}

/** A number of bytes, written `512`, `64KiB`, `1.5GB`. */
export function size(range: QuantityRange = {}): Kind<number> {
  return quantity("a size such as 512B, 64KiB or 1.5GB", range, parseSize, formatSize)
}

/** A switch: `on`/`off`, `true`/`false`, `yes`/`no`, `1`/`0`. */
export function flag(): Kind<boolean> {
  const words = new Map([
    ...["on", "true", "yes", "1"].map((word) => [word, true] as const),
    ...["off", "false", "no", "0"].map((word) => [word, false] as const),
  ])
  return parsedKind(
    "on or off (also true/false, yes/no, 1/0)",
    (raw, refuse) => {
      if (typeof raw === "boolean") return raw
      return words.get(String(scalar(raw)).toLowerCase()) ?? refuse()
    },
    (value) => value,
  )
}

/** A whole number. */
export function integer(range: Range = {}): Kind<number> {
  return numberKind("a whole number", range, (value) => Number.isSafeInteger(value))
}

/** Any finite number. */
export function decimal(range: Range = {}): Kind<number> {
  return numberKind("a number", range, (value) => Number.isFinite(value))
}

/** A TCP port; 0 lets the system choose a free one. */
export function port(): Kind<number> {
  return integer({ min: 0, max: 65_535 })
}

/** An address of this machine to listen on, without a port; `*` is every address. */
export function listenAddress(): Kind<string> {
  return text({
    pattern: /^(\*|[0-9a-fA-F:.]+(%[\w.-]+)?|[\w-]+(\.[\w-]+)*)$/,
    allowed: "an address of this machine such as 127.0.0.1, ::1 or localhost, or * for all",
  })
}

/** An address and port to listen on, see {@link parseBind}. */
export function bind(): Kind<Bind> {
  return parsedKind(
    "a port, or address:port such as 127.0.0.1:9090, [::1]:9090 or *:9090",
    (raw, refuse) => {
      const input = scalar(raw)
      return (typeof input === "boolean" || input === undefined ? undefined : parseBind(input)) ?? refuse()
    },
    formatBind,
  )
}

/** An IP network or a single address, see {@link parseNetwork}. */
export function network(): Kind<Network> {
  return parsedKind(
    "an IP network such as 10.0.0.0/8 or 2001:db8::/32, or an address",
    (raw, refuse) => {
      const input = scalar(raw)
      return (typeof input === "string" ? parseNetwork(input.trim()) : undefined) ?? refuse()
    },
    formatNetwork,
  )
}

/** Limits of a text. */
export interface TextRules {
  /** What the text must look like; needs `allowed`. */
  readonly pattern?: RegExp
  /** The pattern in words. */
  readonly allowed?: string
  /** Longest accepted length in UTF-16 units, 4096 by default. */
  readonly maxLength?: number
}

/** A text without line breaks and other control characters; not empty unless a pattern says so. */
export function text(rules: TextRules = {}): Kind<string> {
  const { pattern = /./, allowed = "a text that is not empty", maxLength = 4_096 } = rules
  const schema = z
    .string()
    .max(maxLength)
    .regex(/^\P{Cc}*$/u)
    .regex(pattern)
  return kindOf(schema, allowed)
}

/** A file or folder name. The owner of the setting resolves it, usually against the data folder. */
export function path(): Kind<string> {
  return text({ allowed: "a path" })
}

/** One of a few words. */
export function choice<const T extends string>(...words: readonly [T, ...T[]]): Kind<T> {
  return kindOf(z.enum(words), `one of ${words.join(", ")}`)
}

/** An absolute URL without user name and password; the program gets it as a normalised string. */
export function url(protocols: readonly string[] = ["https", "http"]): Kind<string> {
  return parsedKind(
    `a URL beginning with ${protocols.map((name) => `${name}://`).join(" or ")}, without user name and password`,
    (raw, refuse) => {
      const parsed = typeof raw === "string" && URL.canParse(raw) ? new URL(raw) : undefined
      if (parsed === undefined || !protocols.includes(parsed.protocol.slice(0, -1))) return refuse()
      return parsed.username === "" && parsed.password === "" && parsed.host !== "" ? parsed.href : refuse()
    },
    (value) => value,
  )
}

/** A secret text, at least `minLength` characters long. Also readable from a file, see the package's README. */
export function secret(rules: TextRules & { readonly minLength?: number } = {}): Kind<Secret> {
  const { minLength = 1 } = rules
  const inner = text(rules)
  const allowed =
    rules.allowed ?? (minLength > 1 ? `a text of at least ${minLength} characters` : "a text that is not empty")
  const kind = parsedKind<Secret>(
    allowed,
    (raw, refuse) => {
      const value = raw instanceof Secret ? raw.reveal() : raw
      const parsed = inner.schema.safeParse(value)
      return parsed.success && parsed.data.length >= minLength ? new Secret(parsed.data) : refuse()
    },
    (value) => value.toString(),
  )
  return { ...kind, secret: true }
}

/** A list: an array in the file, separated by commas in the environment. A single value is a list of one. */
export function list<T>(item: Kind<T>, { min = 0 }: { readonly min?: number } = {}): Kind<readonly T[]> {
  return parsedKind(
    `a list${min > 0 ? ` of at least ${min}` : ""}, each ${item.allowed}`,
    (raw, refuse) => {
      const values: T[] = []
      for (const part of listItems(raw)) {
        const parsed = item.schema.safeParse(part)
        if (!parsed.success) return refuse()
        values.push(parsed.data)
      }
      return values.length >= min ? values : refuse()
    },
    (values) => values.map((value) => item.show(value)),
  )
}

/** Another kind, or `off` for none of it. */
export function orOff<T>(kind: Kind<T>): Kind<T | undefined> {
  return parsedKind<T | undefined>(
    `${kind.allowed}, or off`,
    (raw, refuse) => {
      if (raw === false || (typeof raw === "string" && raw.trim().toLowerCase() === "off")) return undefined
      const parsed = kind.schema.safeParse(raw)
      return parsed.success ? parsed.data : refuse()
    },
    (value) => (value === undefined ? "off" : kind.show(value)),
  )
}

function quantity(
  what: string,
  { min, max }: QuantityRange,
  parse: (input: string | number) => number | undefined,
  format: (value: number) => string,
): Kind<number> {
  const lowest = min === undefined ? 0 : (parse(min) ?? 0)
  const highest = max === undefined ? Number.MAX_SAFE_INTEGER : (parse(max) ?? 0)
  return parsedKind(
    what + limits(min, max),
    (raw, refuse) => {
      const input = scalar(raw)
      const value = typeof input === "string" || typeof input === "number" ? parse(input) : undefined
      return value !== undefined && value >= lowest && value <= highest ? value : refuse()
    },
    format,
  )
}

function numberKind(what: string, { min, max }: Range, valid: (value: number) => boolean): Kind<number> {
  return parsedKind(
    what + limits(min, max),
    (raw, refuse) => {
      const input = scalar(raw)
      if (typeof input === "string" && !/^[+-]?\d+(\.\d+)?$/.test(input)) return refuse()
      const value = typeof input === "string" ? Number(input) : input
      if (typeof value !== "number" || !valid(value)) return refuse()
      return value >= (min ?? -Infinity) && value <= (max ?? Infinity) ? value : refuse()
    },
    (value) => value,
  )
}

function limits(min: string | number | undefined, max: string | number | undefined): string {
  if (min !== undefined && max !== undefined) return `, ${min} to ${max}`
  if (min !== undefined) return `, at least ${min}`
  return max === undefined ? "" : `, at most ${max}`
}

function scalar(raw: unknown): string | number | boolean | undefined {
  if (typeof raw === "string") return raw.trim()
  return typeof raw === "number" || typeof raw === "boolean" ? raw : undefined
}

function listItems(raw: unknown): readonly unknown[] {
  if (Array.isArray(raw)) return raw
  if (typeof raw !== "string") return [raw]
  return raw.trim() === "" ? [] : raw.split(",").map((part) => part.trim())
}
