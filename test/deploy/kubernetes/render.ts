// What `kubectl kustomize` makes of our folders, for machines without it: resources, components, namespace, images, and
// patches that merge maps. A test holds it against the real one where that is there.
import { lstatSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { parse, parseAllDocuments } from "yaml"

/** An object of Kubernetes. */
export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly labels?: Readonly<Record<string, string>>
  }
  readonly [field: string]: unknown
}

interface Kustomization {
  readonly resources?: readonly string[]
  readonly components?: readonly string[]
  readonly namespace?: string
  readonly images?: readonly { readonly name: string; readonly newName?: string; readonly newTag?: string }[]
  readonly patches?: readonly { readonly path: string }[]
}

/** What this reads; a test fails for others, which it would leave out silently. */
export const KNOWN_FIELDS: readonly string[] = [
  "apiVersion",
  "kind",
  "resources",
  "components",
  "namespace",
  "images",
  "patches",
]

/** Kinds that are in no namespace. */
const WIDE = ["Namespace"]

/** Every object of a folder with a kustomization.yaml. */
export function render(folder: string): readonly Manifest[] {
  const plan = parse(readFileSync(join(folder, "kustomization.yaml"), "utf8")) as Kustomization
  const unknown = Object.keys(plan).filter((field) => !KNOWN_FIELDS.includes(field))
  if (unknown.length > 0) throw new Error(`${folder}: ${unknown.join(", ")} is not rendered here`)
  const found = [...(plan.resources ?? []), ...(plan.components ?? [])].flatMap((name) => {
    const path = join(folder, name)
    return lstatSync(path).isDirectory() ? render(path) : manifestsIn(path)
  })
  const patches = (plan.patches ?? []).flatMap(({ path }) => manifestsIn(join(folder, path)))
  const unused = patches.filter((patch) => !found.some((manifest) => isSame(manifest, patch)))
  if (unused.length > 0)
    throw new Error(`${folder}: nothing is patched by ${unused.map(({ metadata }) => metadata.name)}`)
  return found
    .map((manifest) => patches.filter((patch) => isSame(manifest, patch)).reduce(merged, manifest))
    .map((manifest) => inNamespace(manifest, plan.namespace))
    .map((manifest) => withImages(manifest, plan.images ?? []))
}

/** The objects of one file. */
export function manifestsIn(path: string): Manifest[] {
  return parseAllDocuments(readFileSync(path, "utf8")).map((document) => {
    if (document.errors.length > 0) throw new Error(`${path}: ${document.errors[0]?.message}`)
    return document.toJS() as Manifest
  })
}

function isSame(a: Manifest, b: Manifest): boolean {
  return a.kind === b.kind && a.metadata.name === b.metadata.name
}

function merged<T>(base: T, patch: T): T {
  if (!isMap(base) || !isMap(patch)) return patch
  const both = { ...base } as Record<string, unknown>
  for (const [key, value] of Object.entries(patch)) both[key] = key in both ? merged(both[key], value) : value
  return both as T
}

function inNamespace(manifest: Manifest, namespace: string | undefined): Manifest {
  if (namespace === undefined || WIDE.includes(manifest.kind)) return manifest
  return { ...manifest, metadata: { ...manifest.metadata, namespace } }
}

function withImages(value: Manifest, images: NonNullable<Kustomization["images"]>): Manifest {
  return JSON.parse(JSON.stringify(value), (key, part: unknown) => {
    if (key !== "image" || typeof part !== "string") return part
    const [, name = "", tag] = /^(.*?)(?::([^/:]+))?$/.exec(part) ?? []
    const change = images.find((image) => image.name === name)
    if (change === undefined) return part
    const newTag = change.newTag ?? tag
    return `${change.newName ?? name}${newTag === undefined ? "" : `:${newTag}`}`
  }) as Manifest
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}
