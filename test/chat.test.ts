// `sluice chat` as processes of their own, one for each person, over a relay.
import { execFile, spawn } from "node:child_process"
import { readFile, stat } from "node:fs/promises"
import { join } from "node:path"
import type { Readable } from "node:stream"
import { promisify, stripVTControlCharacters } from "node:util"
import { formatServerAddress } from "@sluice/encoding/server-address"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type Result, type Running, sluice, start, temporaryFolder } from "../packages/cli/test/sluice.ts"
import { addressOf } from "./agent/test-agent.ts"
import { TestRelay } from "./support/relay.ts"

let relay: TestRelay
let address: string
beforeAll(async () => {
  relay = await TestRelay.start({ store: "memory", settings: { "relay.message_quota": 128 } })
  address = formatServerAddress(addressOf(relay))
})
afterAll(() => relay[Symbol.asyncDispose]())

/** A person's chat as a script. */
function chat(folder: string, name: string, args: readonly string[], input: string): Running {
  const common = ["chat", "--script", "--folder", join(folder, name), "--name", name, "--relay", address]
  return start([...common, "--timeout", "45", ...args], { input, env: { SLUICE_DATA: folder } })
}

/** The lines of JSON that a script has printed. */
function events({ stdout }: Pick<Result, "stdout">): Record<string, unknown>[] {
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line))
}

async function linkOf(running: Running): Promise<string> {
  const stdout = await running.printed(/"type":"link".*\n/)
  return String(
    events({ stdout: stdout.slice(0, stdout.lastIndexOf("\n")) }).find(({ type }) => type === "link")?.["link"],
  )
}

describe("two people in two processes", () => {
  it("connect by a link, see who the other is, talk, and know that it came; later they go on", async () => {
    await using folder = await temporaryFolder()
    const ann = chat(folder.path, "Ann", ["--count", "2"], "Hello Bob\n")
    const link = await linkOf(ann)
    expect(link).toMatch(/^https:\/\/127\.0\.0\.1/)
    const bob = chat(folder.path, "Bob", [link, "--count", "1"], "Hello Ann\nЧто нового? 👋\n")
    const [annDid, bobDid] = await Promise.all([ann.ended, bob.ended])
    expect([annDid.code, bobDid.code, annDid.stderr, bobDid.stderr]).toEqual([0, 0, "", ""])

    const annSaw = events(annDid)
    expect(annSaw).toContainEqual(expect.objectContaining({ type: "contact", name: "Bob" }))
    expect(annSaw.filter(({ type }) => type === "message")).toMatchObject([
      { name: "Bob", kind: "text", text: "Hello Ann", complete: true },
      { name: "Bob", kind: "text", text: "Что нового? 👋", complete: true },
    ])
    expect(annSaw.filter(({ type }) => type === "received")).toHaveLength(1)
    const bobSaw = events(bobDid)
    // From the link, before anything was sent.
    expect(bobSaw[0]).toMatchObject({ type: "contact", name: "Ann", profile: { displayName: "Ann" } })
    expect(bobSaw.filter(({ type }) => type === "message")).toMatchObject([{ name: "Ann", text: "Hello Bob" }])

    const contacts = join(folder.path, "Ann", "contacts.json")
    expect(((await stat(contacts)).mode & 0o777).toString(8)).toBe("600")
    expect(await readFile(contacts, "utf8")).toContain('"displayName": "Bob"')

    const again = chat(folder.path, "Ann", ["--to", "Bob", "--no-receipts"], "Still there?\n")
    expect((await again.ended).code).toBe(0)
    const later = chat(folder.path, "Bob", ["--count", "1"], "")
    expect(events(await later.ended)).toContainEqual(expect.objectContaining({ type: "message", text: "Still there?" }))
  })

  it("connect by an address that everybody can use, which stays the same", async () => {
    await using folder = await temporaryFolder()
    const ann = chat(folder.path, "Ann", ["--address", "--count", "1"], "")
    const link = await linkOf(ann)
    const bob = chat(folder.path, "Bob", [link], "I have your address\n")
    const [annDid, bobDid] = await Promise.all([ann.ended, bob.ended])
    expect([annDid.code, bobDid.code]).toEqual([0, 0])
    expect(events(annDid)).toContainEqual(
      expect.objectContaining({ type: "message", name: "Bob", text: "I have your address" }),
    )
    const again = chat(folder.path, "Ann", ["--address"], "")
    expect(await linkOf(again)).toBe(link)
    await again.ended
  })
})

/** Runs a command line on a pseudo-terminal, where there is a program that gives one. */
const onTerminal = await promisify(execFile)("script", ["--version"]).then(
  () => true,
  () => false,
)

describe.skipIf(!onTerminal)("on a pseudo-terminal", () => {
  it("somebody sees who the other is, writes, sees that it has come, and leaves", async () => {
    await using folder = await temporaryFolder()
    const bob = chat(folder.path, "Bob", ["--invite", "--count", "1"], "Hello Ann\n")
    const link = await linkOf(bob)
    const main = join(import.meta.dirname, "..", "packages", "cli", "src", "main.ts")
    const own = ["chat", link, "--folder", join(folder.path, "Ann"), "--name", "Ann", "--relay", address]
    const line = [process.execPath, main, ...own].map((word) => `'${word}'`).join(" ")
    // Where tests run, the library of the screen would see no terminal but a log, and draw only the last picture.
    const outside = Object.entries(process.env).filter(([name]) => !/^(CI|CI_.*|CONTINUOUS_INTEGRATION)$/.test(name))
    const env = { ...Object.fromEntries(outside), SLUICE_DATA: folder.path, COLUMNS: "200", TERM: "xterm" }
    const ann = spawn("script", ["-q", "-e", "-c", line, "/dev/null"], { env, stdio: ["pipe", "pipe", "inherit"] })
    try {
      const screen = new Screen(ann.stdout)
      await screen.shows(/Bob is connected/)
      await screen.shows(/Bob: .*Hello Ann/)
      ann.stdin.write("Hello Bob 👋")
      await screen.shows(/Hello Bob 👋/)
      ann.stdin.write("\r")
      await screen.shows(/you: .*Hello Bob 👋.* ✓✓/)
      expect(events(await bob.ended)).toContainEqual(expect.objectContaining({ type: "message", text: "Hello Bob 👋" }))
      const ended = new Promise((resolve) => ann.once("close", resolve))
      ann.stdin.write("/quit")
      await screen.shows(/\/quit/)
      ann.stdin.write("\r")
      expect(await ended).toBe(0)
    } finally {
      ann.kill("SIGKILL")
    }
  })
})

/** What a terminal was told to show. */
class Screen {
  #text = ""
  #look = (): void => undefined

  constructor(output: Readable) {
    output.setEncoding("utf8").on("data", (text: string) => {
      this.#text += text
      this.#look()
    })
  }

  /** Waits for a pattern in what was drawn, colours left out. */
  shows(pattern: RegExp): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no ${pattern} in ${this.#plain()}`)), 20_000)
      this.#look = () => {
        if (!pattern.test(this.#plain())) return
        clearTimeout(timer)
        resolve()
      }
      this.#look()
    })
  }

  #plain(): string {
    return stripVTControlCharacters(this.#text)
  }
}

describe("what is asked wrongly", () => {
  it.each([
    [["no link at all"], /^sluice: LINK is not allowed; allowed: a link of any form\n$/],
    [["--to", "Nobody"], /^sluice: --to: "Nobody" is not allowed; /],
    [["--privacy", "some"], /^sluice: --privacy: "some" is not allowed; /],
  ])("%j is told in one line", async (args, expected) => {
    await using folder = await temporaryFolder()
    const { code, stderr } = await chat(folder.path, "Ann", args, "").ended
    expect(stderr).toMatch(expected)
    expect(code).toBe(2)
  })

  it("without a relay nothing is made", async () => {
    await using folder = await temporaryFolder()
    const { code, stderr } = await sluice(["chat", "--script"], { env: { SLUICE_DATA: folder.path } })
    expect(stderr).toMatch(/^sluice: there is no relay in /)
    expect(code).toBe(2)
  })
})
