// The way from "Node 20 and npm, nothing else" to the pinned Node with every dependency installed.
// Runs on the system's Node, so it uses only what Node 20 has and nothing from the registry.
import { spawn, spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const [task, ...args] = process.argv.slice(2)

const pinnedNode = join(root, "node_modules", "node", "bin", "node")
const stamp = join(root, "node_modules", ".installed")

/** Runs a program and waits for it; ends this process with its code when it fails. */
function run(what, command, commandArgs, options = {}) {
  const { status, signal, error } = spawnSync(command, commandArgs, { cwd: root, stdio: "inherit", ...options })
  if (status === 0) return
  console.error(`sluice: ${what} failed${error ? `: ${error.message}` : signal ? ` (${signal})` : ""}`)
  process.exit(status ?? 1)
}

/** Installs pnpm itself, at the version package.json pins, beside the project rather than on the system. */
function pnpm() {
  const { packageManager } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))
  const version = packageManager.split("@")[1]
  const home = join(root, ".tools", `pnpm-${version}`)
  const entry = join(home, "node_modules", "pnpm", "bin", "pnpm.cjs")
  if (!existsSync(entry)) {
    mkdirSync(home, { recursive: true })
    writeFileSync(join(home, "package.json"), '{"private":true}\n')
    run(
      "installing pnpm",
      "npm",
      ["install", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error", `pnpm@${version}`],
      {
        cwd: home,
        // Standard output belongs to the command that was asked for: `sluice address` prints one line.
        stdio: ["ignore", 2, 2],
      },
    )
  }
  return entry
}

function install() {
  const wanted = createHash("sha256")
    .update(readFileSync(join(root, "pnpm-lock.yaml")))
    .digest("hex")
  if (existsSync(pinnedNode) && existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return
  console.error("sluice: installing dependencies (once)")
  run(
    "pnpm install",
    process.execPath,
    [pnpm(), "install", "--frozen-lockfile", "--reporter=append-only", "--loglevel=error"],
    {
      stdio: ["ignore", 2, 2],
      env: { ...process.env, CI: "true" },
    },
  )
  writeFileSync(stamp, wanted)
}

/** Environment in which `node` and the installed programs are the pinned ones. */
function pinnedEnvironment() {
  const paths = [dirname(pinnedNode), join(root, "node_modules", ".bin"), process.env.PATH ?? ""]
  // Colours are for terminals; in a file they hide what it says.
  const plain = process.stdout.isTTY || process.env.FORCE_COLOR ? {} : { NO_COLOR: "1" }
  return { ...process.env, ...plain, PATH: paths.join(":") }
}

/** How servers are run; docs/performance.md says what each flag is for. */
function nodeFlags() {
  return JSON.parse(readFileSync(join(root, "tools", "node-flags.json"), "utf8"))
}

/** Hands over to a program: its signals, its standard streams and its exit code are ours. */
function become(command, commandArgs) {
  const child = spawn(command, commandArgs, { stdio: "inherit", env: pinnedEnvironment() })
  // A terminal sends the interrupt to the whole group: the child has it already, passing it on would be a second one.
  const forward = (signal) => () => {
    if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal)
  }
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, forward(signal))
  child.on("error", (error) => {
    console.error(`sluice: cannot start ${command}: ${error.message}`)
    process.exit(1)
  })
  child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGKILL" ? 137 : 1)))
}

install()
switch (task) {
  case undefined:
    break
  case "sluice":
    become(pinnedNode, [...nodeFlags(), join(root, "packages", "cli", "src", "main.ts"), ...args])
    break
  case "example": {
    const [name = "", ...rest] = args
    become(pinnedNode, [join(root, "examples", `${name}.ts`), ...rest])
    break
  }
  case "test":
    become(pinnedNode, [join(root, "tools", "test.ts"), ...args])
    break
  case "check":
    become(pinnedNode, [join(root, "tools", "check.ts"), ...args])
    break
  default:
    console.error(`sluice: unknown task "${task}"; one of: sluice, example, test, check`)
    process.exit(2)
}
