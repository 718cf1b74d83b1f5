import { describe, expect, it } from "vitest"
import { installSystemPrograms, type Machine } from "./system-programs.ts"

interface FakeMachine extends Machine {
  readonly ran: string[]
  readonly said: string[]
}

function machine(programs: readonly string[], isRoot: boolean, works = true): FakeMachine {
  const there = new Set(programs)
  const ran: string[] = []
  const said: string[] = []
  return {
    ran,
    said,
    isRoot,
    has: (program) => there.has(program),
    run: (program, args) => {
      ran.push([program, ...args].join(" "))
      if (works && args[0] === "install") for (const name of args.slice(-2)) there.add(name)
      return works
    },
    say: (line) => said.push(line),
  }
}

describe("installing the programs of tests", () => {
  it("does nothing when they are there, by whatever name", () => {
    const complete = machine(["valkey-server", "google-chrome"], true)
    installSystemPrograms(complete)
    expect([complete.ran, complete.said]).toEqual([[], []])
  })

  it("installs what is missing as root, and says so once", () => {
    const bare = machine(["apt-get"], true)
    installSystemPrograms(bare)
    expect(bare.ran).toHaveLength(2)
    expect(bare.ran[1]).toMatch(/^apt-get install --yes --no-install-recommends .* redis-server chromium$/)
    expect(bare.said).toEqual(["sluice: installing redis-server and chromium (once)"])
  })

  it.each([
    ["another user", machine(["apt-get", "chromium"], false)],
    ["a system without apt-get", machine(["chromium"], true)],
  ])("says in one line what to install on %s", (_, other) => {
    installSystemPrograms(other)
    expect(other.ran).toEqual([])
    expect(other.said).toEqual([
      "sluice: install redis-server with the package manager of this system; tests that need them are skipped",
    ])
  })

  it("says in one line what could not be installed", () => {
    const offline = machine(["apt-get", "chromium"], true, false)
    installSystemPrograms(offline)
    expect(offline.said.at(-1)).toBe(
      "sluice: redis-server could not be installed with apt-get; tests that need them are skipped",
    )
  })
})
