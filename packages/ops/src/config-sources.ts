// The three places that values come from, each read into the same form: raw values by key, with their origin.
import { parse, TomlError, type TomlTable } from "smol-toml"
import { suggestion } from "./nearest-name.ts"
import { OperatorError, quoteValue } from "./operator-error.ts"
import type { NamedGroup, NamedSetting } from "./settings.ts"
import { lineOf, tomlLines } from "./toml-lines.ts"

/** A value before it is checked, and where it was found (`sluice.toml line 3`, `SLUICE_RELAY_PORT`, `command line`). */
export interface Given {
  readonly raw: unknown
  readonly origin: string
}

/** The names that may occur. */
export interface Names {
  readonly settings: readonly NamedSetting[]
  readonly groups: readonly NamedGroup[]
  /** Top-level sections of other programs that share the file and environment: not checked here. */
  readonly foreign: readonly string[]
}

/** A configuration file's text, and its name for messages. */
export interface ConfigFile {
  readonly name: string
  readonly text: string
}

/** Reads the text of a file that holds a secret; throws when it cannot. */
export type ReadSecretFile = (path: string) => string

/** Values of a TOML file. Unknown keys, sections in place of values and broken syntax are {@link OperatorError}s. */
export function fromFile(file: ConfigFile, names: Names, readSecret: ReadSecretFile): ReadonlyMap<string, Given> {
  const lines = tomlLines(file.text)
  const settings = new Map(names.settings.map((named) => [named.key, named]))
  const groups = new Set(names.groups.map(({ key }) => key))
  const given = new Map<string, Given>()
  const visit = (table: TomlTable, parents: readonly string[]): void => {
    for (const [name, raw] of Object.entries(table)) {
      const path = [...parents, name]
      const key = path.join(".")
      const line = lineOf(lines, path)
      const origin = line === undefined ? file.name : `${file.name} line ${line}`
      if (groups.has(key)) {
        if (!isTable(raw)) throw new OperatorError(`${key} (${origin}): ${quoteValue(raw)} in place of a section`)
        visit(raw, path)
      } else if (settings.has(key)) {
        put(given, key, { raw, origin })
      } else if (settings.get(withoutFile(key))?.setting.kind.secret === true) {
        put(given, withoutFile(key), { raw: secretFrom(raw, key, origin, readSecret), origin })
      } else if (!(parents.length === 0 && names.foreign.includes(name))) {
        throw new OperatorError(`${key} (${origin}): unknown key${suggestion(key, [...settings.keys(), ...groups])}`)
      }
    }
  }
  visit(parseToml(file), [])
  return given
}

/**
 * Values of the `SLUICE_*` variables. Unknown ones are {@link OperatorError}s, except for `others`, the variables that
 * are not settings, and those of foreign sections.
 */
export function fromEnv(
  env: Readonly<Record<string, string>>,
  names: Names,
  others: readonly string[],
  readSecret: ReadSecretFile,
): ReadonlyMap<string, Given> {
  const settings = new Map(names.settings.map((named) => [named.env, named]))
  const foreign = names.foreign.map((name) => `SLUICE_${name.toUpperCase()}_`)
  const given = new Map<string, Given>()
  const ours = Object.keys(env).filter((name) => name.startsWith("SLUICE_") && !others.includes(name))
  for (const name of ours.toSorted()) {
    const value = env[name] ?? ""
    const direct = settings.get(name)
    const byFile = settings.get(name.replace(/_FILE$/, ""))
    if (direct !== undefined) {
      // An empty variable is how a shell or a compose file says "unset"; for the others the kind decides.
      const unset = value === "" && direct.setting.presence === "optional"
      put(given, direct.key, { raw: unset ? undefined : value, origin: name })
    } else if (byFile?.setting.kind.secret === true) {
      put(given, byFile.key, { raw: secretFrom(value, byFile.key, name, readSecret), origin: name })
    } else if (!foreign.some((prefix) => name.startsWith(prefix))) {
      const hint = /_SERVICE_(HOST|PORT)|_PORT_\d+_(TCP|UDP)/.test(name)
        ? "; Kubernetes adds such variables, set enableServiceLinks: false in the pod"
        : suggestion(name, [...settings.keys(), ...others])
      throw new OperatorError(`${name}: unknown variable${hint}`)
    }
  }
  return given
}

/** Values given in code or on the command line, by key such as `relay.port`. */
export function fromOverrides(overrides: Readonly<Record<string, unknown>>, names: Names): ReadonlyMap<string, Given> {
  const keys = names.settings.map(({ key }) => key)
  const given = new Map<string, Given>()
  for (const [key, raw] of Object.entries(overrides)) {
    if (raw === undefined) continue
    if (!keys.includes(key)) throw new OperatorError(`${key} (command line): unknown key${suggestion(key, keys)}`)
    given.set(key, { raw, origin: "command line" })
  }
  return given
}

function parseToml({ name, text }: ConfigFile): TomlTable {
  try {
    return parse(text, { unsafeKeyBehaviour: "throw" })
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    // Only the reason: the rest of the message repeats the line, which may hold a secret.
    const reason = error.message.split("\n")[0]?.replace(/^Invalid TOML document: /, "")
    throw new OperatorError(`${name} line ${error.line}, column ${error.column}: not valid TOML: ${reason}`)
  }
}

function secretFrom(path: unknown, key: string, origin: string, readSecret: ReadSecretFile): string {
  if (typeof path !== "string" || path === "") {
    throw new OperatorError(`${key} (${origin}): ${quoteValue(path)} is not allowed; allowed: the path of a file`)
  }
  try {
    return readSecret(path).replace(/\r?\n$/, "")
  } catch (error) {
    const code = error instanceof Error && "code" in error ? ` (${String(error.code)})` : ""
    throw new OperatorError(`${key} (${origin}): cannot read the file ${quoteValue(path)}${code}`, { cause: error })
  }
}

function put(given: Map<string, Given>, key: string, value: Given): void {
  const earlier = given.get(key)
  if (earlier !== undefined) {
    throw new OperatorError(`${key}: given twice, by ${earlier.origin} and by ${value.origin}; keep one of them`)
  }
  given.set(key, value)
}

function withoutFile(key: string): string {
  return key.replace(/_file$/, "")
}

function isTable(value: unknown): value is TomlTable {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date)
}
