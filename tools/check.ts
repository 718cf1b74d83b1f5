// What is not a test and still has to hold: format and lint, types, and that documents agree with the code.
import { spawnSync } from "node:child_process"
import { dirname } from "node:path"

const root = dirname(import.meta.dirname)
const steps: readonly (readonly [name: string, command: string, ...args: string[]])[] = [
  ["lint and format", "biome", "check", "--error-on-warnings", "."],
  ["types", "tsc", "-b"],
]

for (const [name, command, ...args] of steps) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: "inherit" })
  if (status !== 0) {
    console.error(`sluice: ${name} failed${error ? `: ${error.message}` : ""}`)
    process.exit(1)
  }
  console.log(`${name}: ok`)
}
