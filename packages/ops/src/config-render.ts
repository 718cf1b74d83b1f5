// What is made from a description of settings: the default file, the table in the documents, and the printed effective
// configuration.
import { stringify } from "smol-toml"
import type { ResolvedConfig } from "./config.ts"
import type { TomlInput } from "./kind.ts"
import { HIDDEN } from "./secret.ts"
import { type Entries, listGroups, listSettings, type NamedSetting, snakeCase } from "./settings.ts"

/**
 * A complete, commented configuration file: every setting with its help, what is allowed and its variable, commented out
 * at its default, so that later defaults take effect on upgrade.
 * @param set values by key to write uncommented, secrets included, as `init` does; write such a file with mode 0600
 */
export function renderDefaultToml(entries: Entries, set: Readonly<Record<string, TomlInput>> = {}): string {
  const sections = bySection(entries).map(({ key, help, settings }) => {
    const header = key === "" ? [] : [...comment(help), `[${key}]`]
    const body = settings.map((named) => [...describe(named), assignment(named, set[named.key])].join("\n"))
    return [header.join("\n"), ...body].filter((part) => part !== "").join("\n\n")
  })
  return `${sections.join("\n\n\n")}\n`
}

/** A Markdown table of all settings: key, variable, default, what is allowed, meaning. */
export function renderSettingsTable(entries: Entries): string {
  const rows = listSettings(entries).map(({ key, env, setting }) => [
    code(key),
    setting.kind.secret ? `${code(env)}, ${code(`${env}_FILE`)}` : code(env),
    setting.presence === "required"
      ? "*required*"
      : setting.fallback === undefined
        ? "–"
        : code(literal(setting.fallback)),
    setting.kind.allowed,
    setting.help,
  ])
  const table = [["Key", "Environment", "Default", "Allowed", "Meaning"], ...rows].map((cells) => cells.map(cell))
  // Columns are padded as the formatter of the repository does it, so that the generated document is stable.
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...table.map((cells) => cells[column]?.length ?? 0)))
  const lines = table.map((cells) => cells.map((text, column) => text.padEnd(widths[column] ?? 0)))
  lines.splice(
    1,
    0,
    widths.map((width) => "-".repeat(width)),
  )
  return lines.map((cells) => `| ${cells.join(" | ")} |\n`).join("")
}

/** The configuration in force as TOML, each value with where it came from; secrets are hidden. */
export function renderEffectiveConfig<E extends Entries>(entries: E, { config, given }: ResolvedConfig<E>): string {
  const sections = bySection(entries).map(({ key, settings }) => {
    const lines = settings.map((named) => {
      const value = valueAt(config, named.path)
      const origin = given.get(named.key)?.origin ?? "default"
      if (value === undefined && named.setting.presence === "optional") return `# ${lastName(named)} is not set`
      const shown = named.setting.kind.secret ? HIDDEN : named.setting.kind.show(value)
      return `${lastName(named)} = ${literal(shown)} # ${origin}`
    })
    return [...(key === "" ? [] : [`[${key}]`]), ...lines].join("\n")
  })
  return `${sections.join("\n\n")}\n`
}

/** A value as it stands behind the `=` in TOML. */
function literal(value: TomlInput): string {
  return stringify({ value })
    .replace(/^value = /, "")
    .trimEnd()
}

interface Section {
  readonly key: string
  readonly help: string
  readonly settings: readonly NamedSetting[]
}

/** Settings of each section that has any; those outside of sections first, as TOML needs it. */
function bySection(entries: Entries): readonly Section[] {
  const settings = listSettings(entries)
  return [{ key: "", help: "" }, ...listGroups(entries)]
    .map(({ key, help }) => ({ key, help, settings: settings.filter((named) => sectionOf(named) === key) }))
    .filter((section) => section.settings.length > 0)
}

function sectionOf({ path }: NamedSetting): string {
  return path.slice(0, -1).map(snakeCase).join(".")
}

function lastName({ path }: NamedSetting): string {
  return snakeCase(path.at(-1) ?? "")
}

function describe(named: NamedSetting): string[] {
  const { kind, presence } = named.setting
  const lines = [...comment(named.setting.help), `# Allowed: ${kind.allowed}. Environment: ${named.env}.`]
  if (kind.secret) {
    lines.push(`# Or in a file of its own: ${lastName(named)}_file = "<path>". Environment: ${named.env}_FILE.`)
  }
  if (presence === "required") lines.push("# Required.")
  return lines
}

function assignment(named: NamedSetting, value: TomlInput | undefined): string {
  if (value !== undefined) return `${lastName(named)} = ${literal(value)}`
  const { fallback, example } = named.setting
  return `#${lastName(named)} = ${literal(fallback ?? example ?? "...")}`
}

function comment(text: string): string[] {
  return text.split("\n").map((line) => `# ${line}`)
}

function code(text: string): string {
  return `\`${text}\``
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ")
}

function valueAt(config: unknown, path: readonly string[]): unknown {
  let value = config
  for (const name of path) value = (value as Record<string, unknown>)[name]
  return value
}
