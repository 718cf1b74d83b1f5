import { renderDefaultToml, renderEffectiveConfig } from "@sluice/ops/config-render"
import { HIDDEN } from "@sluice/ops/secret"
import { listSettings } from "@sluice/ops/settings"
import { printJson, say } from "../output.ts"
import { type GlobalOptions, loadSettings, placeOf, settings } from "../place.ts"
import { settingsDocument } from "../settings-document.ts"

/** `sluice config show`: every setting in force with its origin, secrets hidden. */
export function showConfig(options: GlobalOptions & { readonly json?: true }): void {
  const resolved = loadSettings(placeOf(options))
  if (!options.json) {
    process.stdout.write(renderEffectiveConfig(settings, resolved))
    return
  }
  const entries = listSettings(settings).map(({ key, path, setting }) => {
    const value = valueAt(resolved.config, path)
    const shown = value === undefined ? null : setting.kind.secret ? HIDDEN : setting.kind.show(value)
    return [key, { value: shown, origin: resolved.given.get(key)?.origin ?? "default" }]
  })
  printJson(Object.fromEntries(entries))
}

/** `sluice config check`. */
export function checkConfig(options: GlobalOptions): void {
  loadSettings(placeOf(options))
  say("The configuration is right.")
}

/** `sluice config example`. */
export function exampleConfig(): void {
  process.stdout.write(renderDefaultToml(settings))
}

/** `sluice config reference`. */
export function configReference(): void {
  process.stdout.write(settingsDocument())
}

function valueAt(config: unknown, path: readonly string[]): unknown {
  let value = config
  for (const name of path) value = (value as Record<string, unknown>)[name]
  return value
}
