import { spawnSync } from "node:child_process"
import { accessSync, constants } from "node:fs"
import { join } from "node:path"
import { readEnv } from "../packages/ops/src/env.ts"

/** Programs of the system that tests start, by names that distributions give them, and the package that has them. */
const PROGRAMS: readonly { readonly names: readonly string[]; readonly package: string }[] = [
  { names: ["redis-server", "valkey-server"], package: "redis-server" },
  { names: ["chromium", "chromium-browser", "google-chrome"], package: "chromium" },
]

/** Longest time that an installation may take, in milliseconds. */
const LONGEST_INSTALLATION = 600_000

/** What installing needs of the machine; tests give another one. */
export interface Machine {
  readonly isRoot: boolean
  /** Whether a program of this name can be started. */
  has(program: string): boolean
  /** Runs a program to its end; whether it succeeded. */
  run(program: string, args: readonly string[]): boolean
  say(line: string): void
}

/**
 * Makes sure that the programs that tests start are there. Missing ones are installed with apt-get by root; elsewhere one line
 * says what to install, and the tests that need them are skipped.
 */
export function installSystemPrograms(machine: Machine = thisMachine()): void {
  const missing = missingPackages(machine)
  if (missing.length === 0) return
  const names = missing.join(" and ")
  if (!machine.isRoot || !machine.has("apt-get")) {
    machine.say(`sluice: install ${names} with the package manager of this system; tests that need them are skipped`)
    return
  }
  machine.say(`sluice: installing ${names} (once)`)
  const quietly = ["-qq", "-o", "Dpkg::Use-Pty=0"]
  const installed =
    machine.run("apt-get", ["update", ...quietly]) &&
    machine.run("apt-get", ["install", "--yes", "--no-install-recommends", ...quietly, ...missing])
  const left = installed ? missingPackages(machine) : missing
  if (left.length > 0) {
    machine.say(`sluice: ${left.join(" and ")} could not be installed with apt-get; tests that need them are skipped`)
  }
}

function missingPackages(machine: Machine): readonly string[] {
  return PROGRAMS.filter(({ names }) => !names.some((name) => machine.has(name))).map((program) => program.package)
}

function thisMachine(): Machine {
  const env = readEnv()
  const folders = (env["PATH"] ?? "").split(":")
  return {
    isRoot: process.getuid?.() === 0,
    has: (program) => folders.some((folder) => isExecutable(join(folder, program))),
    run: (program, args) => {
      const { status } = spawnSync(program, args, {
        stdio: ["ignore", "ignore", "inherit"],
        timeout: LONGEST_INSTALLATION,
        env: { ...env, DEBIAN_FRONTEND: "noninteractive" },
      })
      return status === 0
    },
    say: (line) => console.log(line),
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    // Not there, or not for this user.
    return false
  }
}
