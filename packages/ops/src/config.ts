// From a description of settings and the places that values come from to one checked, frozen object. Pure: the file's
// text and the environment are arguments.
import { type ConfigFile, fromEnv, fromFile, fromOverrides, type Given, type ReadSecretFile } from "./config-sources.ts"
import { OperatorError, quoteValue } from "./operator-error.ts"
import { HIDDEN } from "./secret.ts"
import { type ConfigOf, type Entries, listGroups, listSettings, type NamedSetting } from "./settings.ts"

/** Where values come from; later ones win: defaults, file, environment, overrides. */
export interface ConfigSources {
  readonly file?: ConfigFile | undefined
  /** Usually `readEnv()`. Only names that begin with `SLUICE_` are looked at. */
  readonly env?: Readonly<Record<string, string>>
  /** Values by key, such as `{"relay.port": 0}`; strings as in the environment or values as in the file. */
  readonly overrides?: Readonly<Record<string, unknown>>
  /** Names of `SLUICE_*` variables that are not settings, such as the one that names the file. */
  readonly otherEnv?: readonly string[]
  /** Top-level sections of programs that share the file and the environment; their contents are not looked at. */
  readonly foreignGroups?: readonly string[]
  /** How `..._FILE` variables and `..._file` keys are read. Without it they are refused. */
  readonly readSecretFile?: ReadSecretFile
}

/** A checked configuration and where each of its values came from. */
export interface ResolvedConfig<E extends Entries> {
  readonly config: ConfigOf<E>
  /** By key; settings at their default are missing. */
  readonly given: ReadonlyMap<string, Given>
}

/** The checked, deeply frozen configuration. Throws {@link OperatorError} on the first thing that is wrong. */
export function loadConfig<E extends Entries>(entries: E, sources: ConfigSources): ConfigOf<E> {
  return resolveConfig(entries, sources).config
}

/** Like {@link loadConfig}, with origins: what printing the effective configuration and cross-checks need. */
export function resolveConfig<E extends Entries>(entries: E, sources: ConfigSources): ResolvedConfig<E> {
  const settings = listSettings(entries)
  const names = { settings, groups: listGroups(entries), foreign: sources.foreignGroups ?? [] }
  const readSecret = sources.readSecretFile ?? refuseSecretFiles
  const layers = [
    sources.file === undefined ? new Map<string, Given>() : fromFile(sources.file, names, readSecret),
    fromEnv(sources.env ?? {}, names, sources.otherEnv ?? [], readSecret),
    fromOverrides(sources.overrides ?? {}, names),
  ]
  const given = new Map<string, Given>()
  const config = {}
  for (const named of settings) {
    let value: unknown = fallbackOf(named)
    // Every layer is checked, so that a mistake in the file does not hide behind a variable until that is removed.
    for (const layer of layers) {
      const found = layer.get(named.key)
      if (found === undefined) continue
      value = check(named, found)
      given.set(named.key, found)
    }
    if (named.setting.presence === "required" && !given.has(named.key)) throw missing(named)
    place(config, named.path, value)
  }
  return { config: freeze(config) as ConfigOf<E>, given }
}

/**
 * The error for a value that is fine by itself but not beside the others, in the form of all other errors.
 * @param key such as `relay.certificate`
 * @param allowed completes "allowed: …"
 */
export function refuseSetting<E extends Entries>(
  entries: E,
  resolved: ResolvedConfig<E>,
  key: string,
  allowed: string,
): OperatorError {
  const named = listSettings(entries).find((candidate) => candidate.key === key)
  if (named === undefined) throw new TypeError(`${key} is not a setting`)
  const found = resolved.given.get(key) ?? { raw: named.setting.fallback, origin: "default" }
  return refusal(named, found, allowed)
}

function check({ key, env, setting }: NamedSetting, found: Given): unknown {
  if (found.raw === undefined && setting.presence === "optional") return undefined
  const result = setting.kind.schema.safeParse(found.raw)
  if (!result.success) throw refusal({ key, env, setting }, found, setting.kind.allowed)
  return result.data
}

function refusal(
  { key, setting }: Pick<NamedSetting, "key" | "env" | "setting">,
  { raw, origin }: Given,
  allowed: string,
): OperatorError {
  const value = setting.kind.secret ? HIDDEN : quoteValue(raw)
  return new OperatorError(`${key} (${origin}): ${value} is not allowed; allowed: ${allowed}`)
}

function missing({ key, env, setting }: NamedSetting): OperatorError {
  return new OperatorError(`${key} is not set: set it in the file or as ${env}; allowed: ${setting.kind.allowed}`)
}

function fallbackOf({ setting }: NamedSetting): unknown {
  return setting.fallback === undefined ? undefined : setting.kind.schema.parse(setting.fallback)
}

function place(config: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [name = "", ...rest] = path
  if (rest.length === 0) {
    config[name] = value
    return
  }
  const inner = (config[name] ?? {}) as Record<string, unknown>
  config[name] = inner
  place(inner, rest, value)
}

function freeze<T>(value: T): T {
  // Bytes can not be frozen.
  if (typeof value !== "object" || value === null || Object.isFrozen(value) || ArrayBuffer.isView(value)) return value
  for (const inner of Object.values(value)) freeze(inner)
  return Object.freeze(value)
}

function refuseSecretFiles(): string {
  throw new Error("secret files are not available here")
}
