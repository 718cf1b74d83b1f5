// Whatever names a SLUICE_* variable, for people or machines, names one that the programs know.
import { readdirSync, readFileSync } from "node:fs"
import { join, relative } from "node:path"
import { FOREIGN_SECTIONS as linksForeign, linksSettings } from "@sluice/links/config"
import { FOREIGN_SECTIONS as notificationsForeign, notificationsSettings } from "@sluice/notifications/config"
import { type Entries, listSettings } from "@sluice/ops/settings"
import { FOREIGN_SECTIONS as proxyForeign, proxyServerSettings } from "@sluice/proxy/config"
import { relaySettings } from "@sluice/relay/config"
import { describe, expect, it } from "vitest"
import { settings as cliSettings } from "../../packages/cli/src/place.ts"
import { ROOT } from "./root.ts"

const PROGRAMS: Readonly<Record<string, { readonly settings: Entries; readonly foreign: readonly string[] }>> = {
  proxy: { settings: proxyServerSettings, foreign: proxyForeign },
  notifications: { settings: notificationsSettings, foreign: notificationsForeign },
  links: { settings: linksSettings, foreign: linksForeign },
}
const all: readonly Entries[] = [cliSettings, relaySettings, ...Object.values(PROGRAMS).map(({ settings }) => settings)]
const settings = all.flatMap((entries) => listSettings(entries))
const secrets = settings.filter(({ setting }) => setting.kind.secret)
const known = new Set([
  ...settings.map(({ env }) => env),
  ...secrets.map(({ env }) => `${env}_FILE`),
  // Where things are, and what tests are told.
  ...["SLUICE_DATA", "SLUICE_CONFIG", "SLUICE_VECTORS"],
])
/** Variables of docker-compose.yml itself, which operators set for it; it makes settings of them. */
const OF_COMPOSE = ["SLUICE_HOST", "SLUICE_PORT"]
/** Names in examples of what is refused or invented. */
const INVENTED = ["SLUICE_RELAY_SERVICE_PORT"]

/** Every file that operators read or that machines start from. */
function filesOf(folder: string, pattern: RegExp): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && pattern.test(entry.name) && !entry.parentPath.includes("node_modules"))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
}
const files = [
  ...readdirSync(ROOT).filter((name) => /^(?:docker-compose.*\.yml|\.env.*|.*\.md)$/.test(name)),
  ...filesOf("deploy", /./),
  ...filesOf("docs", /\.md$/),
  ...filesOf("packages", /^README\.md$/),
  ...filesOf("services", /^README\.md$/),
]

describe("variables", () => {
  it("that are named anywhere exist", () => {
    expect(files).toEqual(expect.arrayContaining(["docker-compose.yml", "deploy/Dockerfile", "docs/settings.md"]))
    const wrong = files.flatMap((file) => {
      const names = readFileSync(join(ROOT, file), "utf8").match(/\bSLUICE_[A-Z0-9_]*[A-Z0-9]\b(?!_?\*)/g) ?? []
      return names
        .filter((name) => !known.has(name) && !OF_COMPOSE.includes(name) && !INVENTED.includes(name))
        .map((name) => `${file}: ${name}`)
    })
    expect([...new Set(wrong)]).toEqual([])
  })
})

describe("sections", () => {
  const sections = new Set(
    [cliSettings, ...Object.values(PROGRAMS).map(({ settings: own }) => own)].flatMap(Object.keys),
  )
  const inFile = [...sections].map((name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`))

  it.each(Object.entries(PROGRAMS))(
    "%s takes a file that has those of every program",
    (_name, { settings: own, foreign }) => {
      const ours = Object.keys(own).map((name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`))
      expect(inFile.filter((section) => !ours.includes(section) && !foreign.includes(section))).toEqual([])
    },
  )
})
