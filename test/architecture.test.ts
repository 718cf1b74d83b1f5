// The rules of docs/architecture.md that a machine can check.
import { readdirSync, readFileSync } from "node:fs"
import { join, relative } from "node:path"
import { describe, expect, it } from "vitest"

const root = join(import.meta.dirname, "..")

/** The floor of each package; a package imports only from the floors below its own. */
const FLOORS: Readonly<Record<string, number>> = {
  encoding: 1,
  ops: 1,
  crypto: 2,
  redis: 2,
  "smp-protocol": 3,
  ratchet: 3,
  push: 3,
  transport: 4,
  "queue-store": 4,
  fleet: 4,
  "ntf-protocol": 4,
  "short-links": 4,
  "server-kit": 5,
  "smp-client": 5,
  "reference-files": 5,
  proxying: 6,
  load: 6,
  "ntf-client": 6,
  agent: 7,
  "chat-protocol": 7,
  "agent-service": 8,
  chat: 8,
  relay: 8,
  proxy: 8,
  notifications: 8,
  links: 8,
  cli: 9,
}

interface Source {
  /** Relative to the repository. */
  readonly path: string
  readonly packageName: string
  readonly text: string
  readonly imports: readonly string[]
}

const folders = ["packages", "services"].flatMap((parent) =>
  readdirSync(join(root, parent)).map((name) => ({ name, folder: join(root, parent, name) })),
)

function sourcesOf({ name, folder }: (typeof folders)[number]): Source[] {
  return readdirSync(join(folder, "src"), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts") && !path.endsWith(".test.ts"))
    .map((path) => {
      const text = readFileSync(join(folder, "src", path), "utf8")
      const imports = [...text.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map(([, specifier = ""]) => specifier)
      return { path: relative(root, join(folder, "src", path)), packageName: name, text, imports }
    })
}

const sources = folders.flatMap(sourcesOf)

/** Paths of sources for which the rule is broken. */
function breaking(rule: (source: Source) => boolean): string[] {
  return sources.filter(rule).map(({ path }) => path)
}

describe("floors", () => {
  it("name every package", () => {
    expect(folders.map(({ name }) => name).toSorted()).toEqual(Object.keys(FLOORS).toSorted())
  })

  it.each(folders)("$name depends only on floors below its own, and says so in tsconfig.json", ({ name, folder }) => {
    const { dependencies = {} } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"))
    const { references = [] } = JSON.parse(readFileSync(join(folder, "tsconfig.json"), "utf8"))
    const used = Object.keys(dependencies).flatMap((dependency) =>
      dependency.startsWith("@sluice/") ? [dependency.slice("@sluice/".length)] : [],
    )
    expect(used.filter((other) => (FLOORS[other] ?? Infinity) >= (FLOORS[name] ?? 0))).toEqual([])
    const referenced = references.map(({ path }: { path: string }) => path.split("/").at(-1))
    expect(used.filter((other) => !referenced.includes(other))).toEqual([])
  })
})

describe("one place for each", () => {
  it("crypto library: packages/crypto", () => {
    expect(
      breaking(
        ({ packageName, imports }) =>
          packageName !== "crypto" && imports.some((name) => /^(@noble\/|sodium-native|node:crypto$)/.test(name)),
      ),
    ).toEqual([
      // A bearer token is compared below the floor of crypto.
      "packages/ops/src/bearer-token.ts",
      // Redis names scripts by their SHA-1, which protects nothing.
      "packages/redis/src/script.ts",
      // Seeds a hash table.
      "packages/reference-files/src/id-index.ts",
      // Types of certificates and constants of TLS, which come with TLS itself.
      "packages/transport/src/tls-connection.ts",
      "packages/transport/src/tls.ts",
    ])
  })

  it("environment: packages/ops/src/env.ts", () => {
    expect(breaking(({ text }) => /process\.env\b/.test(text))).toEqual(["packages/ops/src/env.ts"])
  })

  it("end of the process: entry points", () => {
    expect(breaking(({ text }) => /^[^*/]*process\.exit\(/m.test(text))).toEqual([
      "packages/cli/src/main.ts",
      "packages/ops/src/main.ts",
    ])
  })
})

it("the protocol packages do no I/O: they import nothing of Node, and read no clock", () => {
  const pure = ({ packageName, path }: Source): boolean =>
    packageName === "encoding" ||
    packageName === "smp-protocol" ||
    packageName === "short-links" ||
    packageName === "ratchet" ||
    packageName === "chat-protocol" ||
    (packageName === "crypto" && !path.startsWith("packages/crypto/src/native"))
  expect(breaking((source) => pure(source) && source.imports.some((name) => name.startsWith("node:")))).toEqual([])
  expect(
    breaking((source) => pure(source) && /\b(Date\.now|performance\.now|Math\.random)\b/.test(source.text)),
  ).toEqual([])
})
