import { readFileSync } from "node:fs"
import { join } from "node:path"
import { parse } from "yaml"

/** A service of the compose file, as far as the tests look at it; variables are resolved with their defaults. */
export interface ComposeService {
  readonly name: string
  readonly image?: string
  readonly command: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  /** Container ports that are published or exposed. */
  readonly ports: readonly number[]
  /** Of those, the ones that are published, with the port of the host. */
  readonly published: readonly { readonly host: number; readonly container: number }[]
  /** Mounts: source and target. */
  readonly mounts: readonly { readonly source: string; readonly target: string }[]
  readonly dependsOn: readonly string[]
  /** In which of the profiles it is started; none: in all. */
  readonly profiles: readonly string[]
}

export interface ComposeFile {
  readonly services: readonly ComposeService[]
  readonly volumes: readonly string[]
  /** Names of the variables that an operator may set. */
  readonly variables: readonly string[]
}

/** The root of the repository. */
export const ROOT: string = join(import.meta.dirname, "..", "..")

const VARIABLE = /\$\{([A-Z_]+)(?::-([^}]*))?\}/g

/** Which services are started together. */
export const PROFILES = ["single", "cluster"] as const
export type Profile = (typeof PROFILES)[number]

/** What `docker-compose.yml` says for one profile. Throws when a variable has no default. */
export function readComposeFile(profile: Profile): ComposeFile {
  const text = readFileSync(join(ROOT, "docker-compose.yml"), "utf8")
  const variables = [...text.matchAll(VARIABLE)].map(([, name = ""]) => name)
  const resolved = text.replace(VARIABLE, (all, name: string, fallback: string | undefined) => {
    if (name === "COMPOSE_PROFILES") return profile
    if (fallback === undefined) throw new Error(`${all} has no default`)
    return fallback
  })
  const file = parse(resolved, { merge: true }) as { services: Record<string, RawService>; volumes: object }
  const all = Object.entries(file.services).map(([name, raw]) => serviceOf(name, raw))
  return {
    services: all.filter(({ profiles }) => profiles.length === 0 || profiles.includes(profile)),
    volumes: Object.keys(file.volumes),
    variables: [...new Set(variables)],
  }
}

interface RawService {
  readonly image?: string
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string | number>>
  readonly ports?: readonly string[]
  readonly expose?: readonly string[]
  readonly volumes?: readonly string[]
  readonly depends_on?: readonly string[] | object
  readonly profiles?: readonly string[]
}

function serviceOf(name: string, raw: RawService): ComposeService {
  const published = (raw.ports ?? []).map((text) => {
    const [container = "", host = ""] = text.split(":").toReversed()
    return { host: Number(host), container: Number(container) }
  })
  const environment = Object.entries(raw.environment ?? {}).map(([key, value]) => [key, String(value)])
  const { depends_on: dependsOn = [] } = raw
  return {
    name,
    ...(raw.image !== undefined && { image: raw.image }),
    command: raw.command ?? [],
    environment: Object.fromEntries(environment),
    published,
    ports: [...published.map(({ container }) => container), ...(raw.expose ?? []).map(Number)],
    mounts: (raw.volumes ?? []).map((text) => {
      const [source = "", target = ""] = text.split(":")
      return { source, target }
    }),
    profiles: raw.profiles ?? [],
    dependsOn: Array.isArray(dependsOn) ? dependsOn : Object.keys(dependsOn),
  }
}
