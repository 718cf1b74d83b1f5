// Makes the files in schemas/ from the OpenAPI description that Kubernetes publishes for a release:
//
//     node test/deploy/kubernetes/extract-schemas.ts swagger.json > test/deploy/kubernetes/schemas/kubernetes-1.36.vectors.json
//
// Only what our manifests can reach is kept, without words: names, types, and what is required. What is not named is not
// allowed, as with `kubectl apply --validate=strict`.
import { readFileSync } from "node:fs"

/** Kinds that are in our manifests, by the names that the description has for them. */
const KINDS: readonly string[] = [
  "io.k8s.api.apps.v1.Deployment",
  "io.k8s.api.apps.v1.StatefulSet",
  "io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler",
  "io.k8s.api.core.v1.ConfigMap",
  "io.k8s.api.core.v1.Namespace",
  "io.k8s.api.core.v1.PersistentVolumeClaim",
  "io.k8s.api.core.v1.Secret",
  "io.k8s.api.core.v1.Service",
  "io.k8s.api.core.v1.ServiceAccount",
  "io.k8s.api.networking.v1.Ingress",
  "io.k8s.api.networking.v1.NetworkPolicy",
  "io.k8s.api.policy.v1.PodDisruptionBudget",
]

/** A part of a JSON schema. */
interface Schema {
  readonly type?: string
  readonly format?: string
  readonly $ref?: string
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly additionalProperties?: Schema
}

/** The part without descriptions and extensions; `needed` gets the definitions that it refers to. */
function bare(schema: Schema, needed: string[]): object {
  const { type, format, $ref, required, properties, items, additionalProperties } = schema
  if ($ref !== undefined) {
    needed.push($ref.replace("#/definitions/", ""))
    return { $ref }
  }
  // Either a number or a percentage, as in `maxUnavailable`.
  if (format === "int-or-string") return { type: ["integer", "string"] }
  return {
    ...(type !== undefined && { type }),
    ...(required && { required }),
    ...(properties && {
      properties: Object.fromEntries(Object.entries(properties).map(([name, part]) => [name, bare(part, needed)])),
      additionalProperties: false,
    }),
    ...(items && { items: bare(items, needed) }),
    ...(additionalProperties && { additionalProperties: bare(additionalProperties, needed) }),
  }
}

const [path] = process.argv.slice(2)
if (path === undefined) throw new Error("name the OpenAPI description of a release")
const { definitions } = JSON.parse(readFileSync(path, "utf8")) as { definitions: Record<string, Schema> }
const found: Record<string, object> = {}
const needed = [...KINDS]
for (let name = needed.pop(); name !== undefined; name = needed.pop()) {
  const definition = definitions[name]
  if (definition === undefined) throw new Error(`${name} is not described`)
  // A quantity such as 250m or 1Gi may be written as a number.
  const isQuantity = name === "io.k8s.apimachinery.pkg.api.resource.Quantity"
  found[name] ??= isQuantity ? { type: ["string", "number"] } : bare(definition, needed)
}
const sorted = Object.fromEntries(Object.entries(found).toSorted(([a], [b]) => a.localeCompare(b)))
process.stdout.write(`${JSON.stringify({ kinds: KINDS, definitions: sorted })}\n`)
