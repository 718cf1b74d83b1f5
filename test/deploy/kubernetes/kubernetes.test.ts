// The manifests of deploy/kubernetes: valid for three minor versions, and right beside each other and our settings.
import { spawnSync } from "node:child_process"
import { readdirSync } from "node:fs"
import { join } from "node:path"
import { linksSettings } from "@sluice/links/config"
import { notificationsSettings } from "@sluice/notifications/config"
import { resolveConfig } from "@sluice/ops/config"
import { type Entries, listSettings } from "@sluice/ops/settings"
import { proxyServerSettings } from "@sluice/proxy/config"
import { relaySettings } from "@sluice/relay/config"
import { describe, expect, it } from "vitest"
import { parse, parseAllDocuments } from "yaml"
import { ROOT, textOf } from "../root.ts"
import { type Manifest, manifestsIn, render } from "./render.ts"
import { VERSIONS, validator } from "./validator.ts"

const folder = join(ROOT, "deploy", "kubernetes")
const example = render(join(folder, "example"))
const PROGRAMS: Readonly<Record<string, Entries>> = {
  relay: relaySettings,
  proxy: proxyServerSettings,
  notifications: notificationsSettings,
  links: linksSettings,
}
const programs = Object.entries(PROGRAMS)

interface PodSpec {
  readonly [field: string]: unknown
  readonly automountServiceAccountToken?: boolean
  readonly enableServiceLinks?: boolean
  readonly terminationGracePeriodSeconds: number
  readonly securityContext: object
  readonly affinity: unknown
  readonly containers: readonly Container[]
  readonly volumes: readonly { readonly name: string }[]
}
interface Container {
  readonly [field: string]: unknown
  readonly args: readonly string[]
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[]
  readonly env?: readonly { readonly name: string }[]
  readonly lifecycle: { readonly preStop: { readonly sleep: { readonly seconds: number } } }
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[]
}
interface Workload {
  readonly selector: { readonly matchLabels: object }
  readonly template: { readonly metadata: { readonly labels: object }; readonly spec: PodSpec }
}

function of(kind: string, name?: string): Manifest[] {
  return example.filter((manifest) => manifest.kind === kind && (name === undefined || manifest.metadata.name === name))
}
const workload = (manifest: Manifest | undefined): Workload => manifest?.["spec"] as Workload
const podOf = (name: string): PodSpec => workload(of("Deployment", `sluice-${name}`)[0]).template.spec
const containerOf = (name: string): Container => {
  const [container] = podOf(name).containers
  if (container === undefined) throw new Error(`${name} has no container`)
  return container
}

/** The settings that a program would start with, from its ConfigMap as the example changes it. */
function settingsOf(name: string): ReturnType<typeof resolveConfig> {
  const [map] = of("ConfigMap", `sluice-${name}`)
  const data = map?.["data"] as Record<string, string>
  const env = Object.fromEntries((containerOf(name).env ?? []).map(({ name: variable }) => [variable, "x"]))
  return resolveConfig(PROGRAMS[name] ?? {}, { env: { ...env, ...data } })
}

describe("the schemas", () => {
  it("are of three minor versions in a row", () => {
    const minors = VERSIONS.map((version) => Number(version.split(".")[1]))
    expect(minors).toEqual([0, 1, 2].map((more) => (minors[0] ?? 0) + more))
  })

  it.each(VERSIONS)("of %s take every manifest", (version) => {
    const check = validator(version)
    const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
    const parts = files.filter((file) => file.endsWith(".yaml") && !file.endsWith("kustomization.yaml"))
    expect(parts.length).toBeGreaterThan(8)
    const all = [...example, ...parts.flatMap((file) => manifestsIn(join(folder, file)))]
    expect(all.flatMap(check)).toEqual([])
  })

  it.each(VERSIONS)("of %s refuse what is misspelt, missing, or of another type", (version) => {
    const check = validator(version)
    const [deployment] = of("Deployment", "sluice-relay")
    const [budget] = of("PodDisruptionBudget", "sluice-relay")
    if (deployment === undefined || budget === undefined) throw new Error("nothing to break")
    const broken: object[] = [
      { ...deployment, spec: { ...(deployment["spec"] as object), replica: 3 } },
      { ...deployment, spec: { ...(deployment["spec"] as object), replicas: "3" } },
      { ...deployment, spec: { template: {} } },
      { ...deployment, apiVersion: "apps/v1beta1" },
      { ...budget, spec: { minAvailible: 1 } },
    ]
    for (const manifest of broken) expect(check(manifest as Manifest)).not.toEqual([])
  })
})

describe.skipIf(spawnSync("kubectl", ["version", "--client"]).status !== 0)("kubectl kustomize", () => {
  it.each(["base", "example"])("renders %s as the tests do", (name) => {
    const { stdout, stderr } = spawnSync("kubectl", ["kustomize", join(folder, name)], { encoding: "utf8" })
    expect(stderr).toBe("")
    const key = ({ kind, metadata }: Manifest): string => `${kind} ${metadata.name}`
    const sorted = (all: readonly Manifest[]): Manifest[] => all.toSorted((a, b) => key(a).localeCompare(key(b)))
    const real = parseAllDocuments(stdout).map((document) => document.toJS() as Manifest)
    expect(sorted(render(join(folder, name)))).toEqual(sorted(real))
  })
})

describe("every program", () => {
  it.each(programs)("%s gets only settings that it knows, and listens where its container says", (name) => {
    const { config } = settingsOf(name) as unknown as { config: Record<string, Record<string, unknown>> }
    expect(config["admin"]).toMatchObject({ bind: "*" })
    const ports = containerOf(name).ports.map(({ containerPort }) => containerPort)
    // The image sets the port for operators.
    expect(textOf("deploy", "Dockerfile")).toContain("SLUICE_ADMIN_PORT=9223")
    const own = { relay: "relay", proxy: "proxyServer", notifications: "notifications", links: "links" }[name] ?? ""
    expect(ports).toEqual([config[own]?.["port"], 9_223])
    expect(containerOf(name).args).toEqual([name])
  })

  it.each(programs)("%s has time to finish before it is killed", (name) => {
    const { config } = settingsOf(name) as unknown as { config: { shutdown: { grace: number } } }
    const wait = containerOf(name).lifecycle.preStop.sleep.seconds
    expect(podOf(name).terminationGracePeriodSeconds).toBeGreaterThan(wait + config.shutdown.grace / 1000)
  })

  it.each(programs)("%s is spread over nodes, and can't be taken away as a whole", (name) => {
    expect(podOf(name).affinity).toHaveProperty("podAntiAffinity")
    const [budget] = of("PodDisruptionBudget", `sluice-${name}`)
    expect(budget?.["spec"]).toMatchObject({ minAvailable: 1 })
    const scaled = of("HorizontalPodAutoscaler", `sluice-${name}`)
    expect(scaled).toHaveLength(1)
    for (const { spec } of scaled) expect(spec).toMatchObject({ minReplicas: 2 })
  })

  it("with several pods keeps what they share in a Redis, which it may reach", () => {
    const stores: Readonly<Record<string, unknown>> = {
      relay: (settingsOf("relay").config as unknown as { store: { kind: string } }).store.kind,
      notifications: (settingsOf("notifications").config as unknown as { notifications: { store: string } })
        .notifications.store,
    }
    expect(stores).toEqual({ relay: "redis", notifications: "redis" })
    const [{ spec: service } = { spec: undefined }] = of("Service", "redis")
    const { selector } = service as { selector: object }
    const [{ spec: policy } = { spec: undefined }] = of("NetworkPolicy", "redis")
    const { ingress } = policy as { ingress: readonly { from: readonly object[] }[] }
    for (const name of Object.keys(stores)) {
      const { redis } = settingsOf(name).config as unknown as {
        redis: { nodes: readonly { host: string; port: number }[]; durability: string }
      }
      expect(redis).toMatchObject({ nodes: [{ host: "redis", port: 6_379 }], durability: "fsync" })
      const [own] = of("NetworkPolicy", `sluice-${name}`)
      expect(own?.["spec"]).toMatchObject({
        egress: expect.arrayContaining([
          { to: [{ podSelector: { matchLabels: selector } }], ports: [{ port: 6_379 }] },
        ]),
      })
      const { labels } = workload(of("Deployment", `sluice-${name}`)[0]).template.metadata
      expect(ingress[0]?.from).toContainEqual({ podSelector: { matchLabels: labels } })
    }
  })

  it.each(["relay", "proxy"])("%s scales with connections and processor time", (name) => {
    const [{ spec } = { spec: undefined }] = of("HorizontalPodAutoscaler", `sluice-${name}`)
    const { metrics } = spec as { metrics: readonly { type: string }[] }
    expect(metrics.map(({ type }) => type)).toEqual(["Resource", "Pods"])
  })

  it.each(["relay", "proxy", "notifications"])("%s finds its identity where it looks for it", (name) => {
    const { config } = settingsOf(name) as unknown as { config: Record<string, Record<string, unknown>> }
    const identity = {
      relay: config["identity"]?.["path"],
      proxy: config["proxyServer"]?.["identity"],
      notifications: config["notifications"]?.["identity"],
    }
    const mounts = containerOf(name).volumeMounts ?? []
    expect(mounts).toContainEqual({
      name: "identity",
      mountPath: `/data/${identity[name as keyof typeof identity]}`,
      readOnly: true,
    })
  })
})

describe("all pods", () => {
  const workloads = [...of("Deployment"), ...of("StatefulSet")]

  it("are as the restricted pod security standard wants them", () => {
    expect(workloads).toHaveLength(5)
    for (const manifest of workloads) {
      const { spec } = workload(manifest).template
      expect(spec).toMatchObject({
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
      })
      for (const field of ["hostNetwork", "hostPID", "hostIPC"]) expect(spec).not.toHaveProperty(field)
      const kinds = (spec.volumes ?? []).flatMap((volume) => Object.keys(volume).filter((key) => key !== "name"))
      expect(["secret", "emptyDir", "persistentVolumeClaim"]).toEqual(expect.arrayContaining(kinds))
      for (const container of spec.containers) {
        expect(container["securityContext"]).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        })
        expect(container["resources"]).toMatchObject({
          requests: { memory: expect.anything() },
          limits: { memory: expect.anything() },
        })
      }
    }
    const [namespace] = of("Namespace")
    expect(namespace?.metadata.labels).toMatchObject({ "pod-security.kubernetes.io/enforce": "restricted" })
  })

  it("are selected by what means them", () => {
    const pods = workloads.map((manifest) => workload(manifest).template)
    const holds = (labels: object, wanted: object): boolean =>
      Object.entries(wanted).every(([key, value]) => (labels as Record<string, unknown>)[key] === value)
    for (const manifest of workloads)
      expect(holds(workload(manifest).template.metadata.labels, workload(manifest).selector.matchLabels)).toBe(true)
    for (const service of of("Service")) {
      const { selector, ports } = service["spec"] as {
        selector: object
        ports: { name: string; targetPort?: string }[]
      }
      const chosen = pods.filter(({ metadata }) => holds(metadata.labels, selector))
      expect([service.metadata.name, chosen.length]).toEqual([service.metadata.name, 1])
      const names = chosen.flatMap(({ spec }) =>
        spec.containers.flatMap((container) => container.ports.map(({ name }) => name)),
      )
      for (const { name, targetPort } of ports) expect(names).toContain(targetPort ?? name)
      // The port for operators is in services of its own, which are not published.
      if (ports.some(({ name }) => name === "operators")) expect(service["spec"]).toMatchObject({ clusterIP: "None" })
    }
    for (const policy of of("NetworkPolicy")) {
      const { podSelector } = policy["spec"] as { podSelector: { matchLabels: object } }
      expect(pods.some(({ metadata }) => holds(metadata.labels, podSelector.matchLabels))).toBe(true)
    }
  })
})

describe("alerts", () => {
  it("are those of deploy/prometheus/alerts.yml", () => {
    const [rule] = of("PrometheusRule")
    expect(rule?.["spec"]).toEqual(parse(textOf("deploy", "prometheus", "alerts.yml")))
  })
})

describe("variables", () => {
  it("of ConfigMaps are of their program alone", () => {
    for (const [name, entries] of programs) {
      const [map] = of("ConfigMap", `sluice-${name}`)
      const known = listSettings(entries).map(({ env }) => env)
      for (const variable of Object.keys(map?.["data"] as object)) expect(known).toContain(variable)
    }
  })
})
