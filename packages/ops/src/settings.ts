// How a service describes its settings: once, as a tree of groups and settings from which the checks, the types, the
// default file and the documents are all made.
import type { Kind, TomlInput } from "./kind.ts"

/** One setting with a value of type `T` in the checked configuration. */
export interface Setting<T> {
  readonly type: "setting"
  readonly kind: Kind<T>
  /** One sentence for operators. */
  readonly help: string
  /** The value when nothing is given, as it would stand in the file. */
  readonly fallback: TomlInput | undefined
  readonly presence: "defaulted" | "required" | "optional"
  /** Shown in the default file where there is no default. */
  readonly example: TomlInput | undefined
}

/** A section of the file. */
export interface Group<E extends Entries = Entries> {
  readonly type: "group"
  readonly help: string
  readonly entries: E
}

/** What a group holds, by camel-case name. */
export interface Entries {
  readonly [name: string]: Setting<unknown> | Group
}

/** The checked configuration that a description gives. Every name is present; optional ones may be `undefined`. */
export type ConfigOf<E> = {
  readonly [N in keyof E]: E[N] extends Setting<infer T> ? T : E[N] extends Group<infer C> ? ConfigOf<C> : never
}

/** A setting with a default, written as in the file. */
export function setting<T>(
  kind: Kind<T>,
  { default: fallback, help }: { readonly default: TomlInput; readonly help: string },
): Setting<T> {
  return { type: "setting", kind, help, fallback, presence: "defaulted", example: undefined }
}

/** A setting without which the program does not start. */
export function required<T>(
  kind: Kind<T>,
  { help, example }: { readonly help: string; readonly example?: TomlInput },
): Setting<T> {
  return { type: "setting", kind, help, fallback: undefined, presence: "required", example }
}

/** A setting that may stay unset, which is `undefined` in the configuration. An empty variable unsets it, too. */
export function optional<T>(
  kind: Kind<T>,
  { help, example }: { readonly help: string; readonly example?: TomlInput },
): Setting<T | undefined> {
  return {
    type: "setting",
    kind: kind as Kind<T | undefined>,
    help,
    fallback: undefined,
    presence: "optional",
    example,
  }
}

/** A section of the file: its settings and sections by camel-case name, and one sentence on what it is about. */
export function group<const E extends Entries>(help: string, entries: E): Group<E> {
  return { type: "group", help, entries }
}

/** A setting with its names. */
export interface NamedSetting {
  /** Names in the configuration object, such as `["relay", "messageQuota"]`. */
  readonly path: readonly string[]
  /** Name in the file, such as `relay.message_quota`. */
  readonly key: string
  /** Name in the environment, such as `SLUICE_RELAY_MESSAGE_QUOTA`. */
  readonly env: string
  readonly setting: Setting<unknown>
}

/** A section with its names. */
export interface NamedGroup {
  readonly path: readonly string[]
  readonly key: string
  readonly help: string
}

/** Every setting below `entries`, in the order of the description. Throws on a description that cannot work. */
export function listSettings(entries: Entries): readonly NamedSetting[] {
  const settings = [...walk(entries, [])].filter(isSetting)
  checkNames(settings)
  for (const {
    key,
    setting: { kind, fallback },
  } of settings) {
    if (fallback !== undefined && !kind.schema.safeParse(fallback).success) {
      throw new TypeError(`the default of ${key} is not ${kind.allowed}`)
    }
  }
  return settings
}

/** Every section below `entries`, outer before inner. */
export function listGroups(entries: Entries): readonly NamedGroup[] {
  return [...walk(entries, [])].filter(isGroup)
}

/** `messageQuota` → `message_quota`. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

function* walk(entries: Entries, parents: readonly string[]): Generator<NamedSetting | NamedGroup> {
  for (const [name, entry] of Object.entries(entries)) {
    if (!/^[a-z][a-zA-Z0-9]*$/.test(name)) throw new TypeError(`${name} is not a camel-case name`)
    const path = [...parents, name]
    const snake = path.map(snakeCase)
    const key = snake.join(".")
    if (entry.type === "setting") {
      yield { path, key, env: `SLUICE_${snake.join("_").toUpperCase()}`, setting: entry }
    } else {
      yield { path, key, help: entry.help }
      yield* walk(entry.entries, path)
    }
  }
}

function isSetting(item: NamedSetting | NamedGroup): item is NamedSetting {
  return "setting" in item
}

function isGroup(item: NamedSetting | NamedGroup): item is NamedGroup {
  return !isSetting(item)
}

/** `a.b_c` and `a.b.c` would share a variable, and so would a secret's file variable with a setting that ends in `file`. */
function checkNames(settings: readonly NamedSetting[]): void {
  const owners = new Map<string, string>()
  for (const { key, env, setting } of settings) {
    for (const name of setting.kind.secret ? [env, `${env}_FILE`] : [env]) {
      const owner = owners.get(name)
      if (owner !== undefined) throw new TypeError(`${key} and ${owner} share the variable ${name}`)
      owners.set(name, key)
    }
  }
}
