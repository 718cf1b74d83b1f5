// What the documents name exists: files, headings, commands, options, settings, metrics of their own links.
import { existsSync, globSync, readFileSync, statSync } from "node:fs"
import { dirname, join, relative, resolve } from "node:path"
import { describe, expect, it } from "vitest"
import { commandLine } from "../packages/cli/src/command-line.ts"
import { settingsDocument } from "../packages/cli/src/settings-document.ts"

/** A command of the program, in the parser's terms. */
type Command = ReturnType<typeof commandLine>

const root = join(import.meta.dirname, "..")
const pages = globSync("**/*.md", {
  cwd: root,
  exclude: (path) => path.includes("node_modules") || path.startsWith("test-output") || path.includes("test/data"),
}).sort()
const text = (page: string): string => readFileSync(join(root, page), "utf8")

/** Without blocks of code, whose brackets and hashes mean something else. */
function prose(page: string): string {
  return text(page).replace(/^( *)```[\s\S]*?^\1```$/gm, "")
}

/** Anchors of a page, as GitHub makes them of its headings. */
function anchors(page: string): Set<string> {
  const headings = Array.from(prose(page).matchAll(/^#+ +(.*)$/gm), ([, heading = ""]) => heading)
  return new Set(
    headings.map((heading) =>
      heading
        .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  )
}

describe("documents", () => {
  it("are found", () => {
    expect(pages.length).toBeGreaterThan(40)
    expect(pages).toContain("docs/README.md")
  })

  it.each(pages)("%s: every relative link leads somewhere", (page) => {
    const broken: string[] = []
    for (const [, target = ""] of prose(page).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue
      const [path = "", anchor] = target.split("#")
      const file = path === "" ? join(root, page) : resolve(root, dirname(page), path)
      if (!existsSync(file)) broken.push(target)
      else if (anchor !== undefined && !statSync(file).isDirectory() && !anchors(relative(root, file)).has(anchor)) {
        broken.push(target)
      }
    }
    expect(broken).toEqual([])
  })

  it("have every page of docs/ in their index", () => {
    const index = text("docs/README.md")
    const missing = pages.filter((page) => /^docs\/[^/]+\.md$/.test(page) && page !== "docs/README.md")
    expect(missing.filter((page) => !index.includes(`(${page.slice("docs/".length)})`))).toEqual([])
  })
})

describe("commands in documents", () => {
  const program = commandLine(() => undefined)
  const globals = new Set(program.options.map(({ long }) => long))

  /** What is wrong with a command line, or nothing. */
  function problemOf(line: string): string | undefined {
    if (line === "sluice help" || line.startsWith("sluice help ")) return undefined
    let command: Command = program
    const words = line.split(/\s+/).slice(1)
    for (let i = 0; i < words.length; i++) {
      const word = words[i] ?? ""
      if (word.startsWith("--")) {
        const [name = ""] = word.split("=")
        const option = [...command.options, ...program.options].find(({ long }) => long === name)
        if (option === undefined && name !== "--help" && name !== "--version") return `${line}: ${name}`
        if (option !== undefined && (option.required || globals.has(name)) && !word.includes("=")) i++
        continue
      }
      const next: Command | undefined = command.commands.find(
        (each) => each.name() === word || each.aliases().includes(word),
      )
      if (next === undefined && command.commands.length > 0 && /^[a-z-]+$/.test(word)) {
        // A group that does something by itself may be followed by anything.
        return command === program || command.registeredArguments.length === 0 ? `${line}: ${word}` : undefined
      }
      if (next === undefined) continue
      command = next
    }
    return undefined
  }

  /** Command lines: in back quotes, and lines of shell blocks, up to what a shell makes something else of. */
  function commandsIn(page: string): string[] {
    const content = text(page)
    const inline = Array.from(prose(page).matchAll(/`(sluice [^`]*)`/g), ([, line = ""]) => line)
    const blocks = Array.from(content.matchAll(/^ *```sh\n([\s\S]*?)^ *```$/gm), ([, block = ""]) => block)
    const lines = blocks
      .flatMap((block) => block.split("\n"))
      .flatMap((line) => {
        const found = /(?:^|[;&|] *|\$\()(?:[A-Z_]+=\S+ +)*((?:npm run -s )?sluice(?: --)? [^#;&|)>"']*)/.exec(
          line.trim(),
        )
        return found?.[1] === undefined ? [] : [found[1].replace(/^npm run -s sluice --/, "sluice").trim()]
      })
    return [...inline, ...lines].map((line) => line.replace(/[…"'\\].*$/, "").trim())
  }

  it.each(pages.filter((page) => commandsIn(page).length > 0 && page !== "CHANGELOG.md"))("%s", (page) => {
    expect(
      commandsIn(page)
        .map(problemOf)
        .filter((problem) => problem !== undefined),
    ).toEqual([])
  })
})

describe("settings in documents", () => {
  const reference = settingsDocument()
  const known = new Set(Array.from(reference.matchAll(/^\| `([a-z_]+\.[a-z0-9_.]+)`/gm), ([, key = ""]) => key))
  // What `sluice doctor` finds has names of the same form.
  const findings = new Set(
    globSync("packages/cli/test/doctor.test.ts", { cwd: root }).flatMap((file) =>
      Array.from(text(file).matchAll(/"([a-z]+\.[a-z]+)"/g), ([, code = ""]) => code),
    ),
  )
  /** A setting, or a group of them. */
  const isKnown = (key: string): boolean => known.has(key) || [...known].some((name) => name.startsWith(`${key}.`))
  const groups = new Set(Array.from(known, (key) => key.split(".")[0]))

  it.each(pages.filter((page) => page.startsWith("docs/") && page !== "docs/settings.md"))("%s", (page) => {
    const named = Array.from(prose(page).matchAll(/`([a-z_]+\.[a-z0-9_.]+)(?: = [^`]*)?`/g), ([, key = ""]) => key)
    const wrong = named.filter((key) => groups.has(key.split(".")[0]) && !isKnown(key) && !findings.has(key))
    expect(wrong.filter((key) => !/\.(md|ts|toml|json|csv|crt|key|mdb)$/.test(key))).toEqual([])
  })
})
