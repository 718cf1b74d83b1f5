// The reviewed list of everything that may stand in a log line at info and above, next to the message. A name is added
// here only if its values come from the code, the configuration or the machine, never from a client: no addresses, keys,
// IDs, message contents, nor names of servers that clients choose. Names that could as well mean a client's ("address",
// "name", "url") are left out.
const FIELDS = [
  // the program
  "version",
  "node",
  "signal",
  "exitCode",
  "logLevel",
  "state",
  "reason",
  "code",
  "mode",
  "kind",
  "phase",
  "worker",
  // what the operator configured
  "setting",
  "file",
  "folder",
  "bind",
  "port",
  "store",
  "provider",
  // own certificates
  "fingerprint",
  "expires",
  "daysLeft",
  // periodic and background work
  "job",
  "check",
  "failing",
  "attempt",
  "retryInMs",
  "migration",
  "schema",
  // words of the protocol, from the code's own tables
  "command",
  // amounts
  "count",
  "total",
  "limit",
  "bytes",
  "ms",
  "seconds",
  "percent",
  "suppressed",
  "queues",
  "messages",
  "notifications",
  "sessions",
  "subscriptions",
  "tokens",
  "connections",
  "entries",
  "expired",
  "deleted",
  "loaded",
  "skipped",
  "failed",
] as const

/** Names that fields may have at info and above. */
export type FieldName = (typeof FIELDS)[number]

/** What a field may hold there. Longer texts are cut. */
export type FieldValue = string | number | boolean | bigint

/** Fields of a log line at info and above. */
export type LogFields = { readonly [N in FieldName]?: FieldValue | undefined } & {
  /** What was thrown; of an unknown error only its class, code and stack are written, not its message. */
  readonly error?: unknown
}

/** Fields of a debug line: anything. Bytes of at most 24 (an entity ID) are written as hex, longer ones as their length. */
export type DebugFields = Readonly<Record<string, unknown>>

const ALLOWED: ReadonlySet<string> = new Set(FIELDS)
const LONGEST_TEXT = 300
const LONGEST_ID = 24
/** Keys of the line itself. */
const RESERVED: ReadonlySet<string> = new Set(["level", "time", "service", "component", "message"])

/**
 * The fields that may be written at info and above. The types say the same, but a cast, a spread or a value of type
 * `any` gets past them; what is left out here is only counted, as `dropped`, because even its name may be data.
 */
export function safeFields(fields: Readonly<Record<string, unknown>>): Record<string, FieldValue> {
  const safe: Record<string, FieldValue> = {}
  let dropped = 0
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue
    const primitive = ALLOWED.has(name) ? primitiveValue(value) : undefined
    if (primitive === undefined) dropped++
    else safe[name] = primitive
  }
  return dropped === 0 ? safe : { ...safe, dropped }
}

/** All fields, in forms that fit on a line. */
export function debugFields(fields: DebugFields): Record<string, unknown> {
  const shown: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined) shown[RESERVED.has(name) ? `${name}_` : name] = debugValue(value)
  }
  return shown
}

function primitiveValue(value: unknown): FieldValue | undefined {
  switch (typeof value) {
    case "string":
      return value.length > LONGEST_TEXT ? `${value.slice(0, LONGEST_TEXT)}...` : value
    case "bigint":
      return value.toString()
    case "number":
    case "boolean":
      return value
    default:
      return undefined
  }
}

function debugValue(value: unknown): unknown {
  if (value instanceof Uint8Array) {
    // Long enough for an ID, too short for a key: secrets do not get into a debug log by being passed along.
    return value.length <= LONGEST_ID ? Buffer.from(value).toString("hex") : `<${value.length} bytes>`
  }
  if (typeof value === "object" && value !== null)
    return Array.isArray(value) ? `<list of ${value.length}>` : String(value)
  return primitiveValue(value) ?? `<${typeof value}>`
}
