import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { Ajv, type ValidateFunction } from "ajv"
import type { Manifest } from "./render.ts"

const FOLDER = join(import.meta.dirname, "schemas")

/** Minor versions of Kubernetes whose schemas are here, oldest first. */
export const VERSIONS: readonly string[] = readdirSync(FOLDER)
  .flatMap((name) => /^kubernetes-(.+)\.vectors\.json$/.exec(name)?.[1] ?? [])
  .toSorted((a, b) => a.localeCompare(b, "en", { numeric: true }))

const text = { type: "string" } as const
const texts = { type: "object", additionalProperties: text } as const
const metadata = {
  type: "object",
  required: ["name"],
  properties: { name: text, namespace: text, labels: texts },
  additionalProperties: false,
} as const

/** What the Prometheus Operator takes, as far as it is used here. */
const OPERATOR_KINDS: Readonly<Record<string, object>> = {
  ServiceMonitor: object({
    jobLabel: text,
    selector: object({ matchLabels: texts }),
    endpoints: { type: "array", items: object({ port: text, path: text, interval: text }) },
  }),
  PrometheusRule: object({
    groups: {
      type: "array",
      items: object({
        name: text,
        rules: {
          type: "array",
          items: object({ alert: text, expr: text, for: text, labels: texts, annotations: texts }, ["for"]),
        },
      }),
    },
  }),
}

/** Checks an object as the API server of a version does; gives what is wrong. */
export function validator(version: string): (manifest: Manifest) => readonly string[] {
  const path = join(FOLDER, `kubernetes-${version}.vectors.json`)
  const { kinds, definitions } = JSON.parse(readFileSync(path, "utf8")) as { kinds: string[]; definitions: object }
  const ajv = new Ajv({ strict: false, allErrors: true })
  ajv.addSchema({ $id: "kubernetes", definitions })
  const checks = new Map<string, ValidateFunction>()
  for (const name of kinds) {
    const [, group = "", minor = "", kind = ""] = /^io\.k8s\.api\.(\w+)\.(\w+)\.(\w+)$/.exec(name) ?? []
    checks.set(`${apiVersion(group, minor)} ${kind}`, ajv.compile({ $ref: `kubernetes#/definitions/${name}` }))
  }
  for (const [kind, spec] of Object.entries(OPERATOR_KINDS)) {
    const whole = object({ apiVersion: text, kind: text, metadata, spec })
    checks.set(`monitoring.coreos.com/v1 ${kind}`, ajv.compile(whole))
  }
  return (manifest) => {
    const check = checks.get(`${manifest.apiVersion} ${manifest.kind}`)
    if (check === undefined) return [`${manifest.apiVersion} ${manifest.kind} is not known`]
    const where = `${manifest.kind} ${manifest.metadata.name}`
    if (check(manifest)) return []
    return (check.errors ?? []).map(
      ({ instancePath, message, params }) => `${where}${instancePath} ${message} ${JSON.stringify(params)}`,
    )
  }
}

function apiVersion(group: string, minor: string): string {
  if (group === "core") return minor
  return `${group === "networking" ? "networking.k8s.io" : group}/${minor}`
}

function object(properties: Readonly<Record<string, object>>, optional: readonly string[] = []): object {
  const required = Object.keys(properties).filter((name) => !optional.includes(name))
  return { type: "object", required, properties, additionalProperties: false }
}
