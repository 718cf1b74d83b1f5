import { mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as wait } from "node:timers/promises"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { systemClock } from "./clock.ts"
import { FileReload } from "./file-reload.ts"
import { Metrics } from "./metrics.ts"
import { OperatorError } from "./operator-error.ts"
import { type RecordingLog, recordingLog } from "./recording-log.ts"

let folder: string
let log: RecordingLog
let metrics: Metrics
const made: FileReload<string>[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-reload-"))
  log = recordingLog()
  metrics = new Metrics()
})
afterEach(async () => {
  for (const reload of made.splice(0)) reload.stop()
  await rm(folder, { recursive: true })
})

/** Two files that belong together: each begins with the same letter. */
async function pair(options: { readonly interval?: number; readonly names?: readonly [string, string] } = {}) {
  const { interval = 3_600_000, names = ["one", "two"] } = options
  const files = names.map((name) => join(folder, name))
  const load = async (): Promise<string> => {
    const [a = "", b = ""] = await Promise.all(files.map((file) => readFile(file, "utf8").catch(() => "")))
    if (a === "" || a[0] !== b[0]) throw new OperatorError("they do not belong together")
    return a + b
  }
  const used: string[] = []
  const reload = new FileReload(
    {
      ...{ what: "certificates", files, load, present: await load(), settle: 20, interval },
      same: (a, b) => a === b,
      use: (loaded) => void used.push(loaded),
    },
    { clock: systemClock, log, register: metrics.register },
  )
  made.push(reload)
  await reload.start()
  return { reload, used, files: files as [string, string] }
}

async function put(...texts: readonly string[]): Promise<void> {
  for (const [i, text] of texts.entries()) await writeFile(join(folder, i === 0 ? "one" : "two"), text)
}

async function until(done: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 500; i++) {
    if (await done()) return
    await wait(10)
  }
  throw new Error("it did not happen")
}

const counted = async (result: string): Promise<boolean> =>
  (await metrics.render()).includes(`sluice_certificate_reloads_total{result="${result}"} 1`)

describe("files that are taken over when they change", () => {
  it("are read once both are new", async () => {
    await put("a1", "a2")
    const { reload, used, files } = await pair()
    await writeFile(files[0], "b1")
    await writeFile(files[1], "b2")
    await until(() => used.length > 0)
    expect(used).toEqual(["b1b2"])
    expect(reload.present).toBe("b1b2")
    expect(log.entries.map(({ message }) => message)).toContain("took over new certificates")
    expect(await counted("taken")).toBe(true)
  })

  it("are refused while they do not fit, and the present ones stay", async () => {
    await put("a1", "a2")
    const { reload, used, files } = await pair()
    await writeFile(files[0], "b1")
    await until(() => counted("refused"))
    expect([used, reload.present]).toEqual([[], "a1a2"])
    expect(log.entries).toMatchObject([
      { level: "error", message: "new certificates can't be used, going on with the present ones" },
    ])
    await expect(reload.reload()).rejects.toThrow("they do not belong together")
    await writeFile(`${files[1]}.new`, "b2")
    await rename(`${files[1]}.new`, files[1])
    await until(() => used.length > 0)
    expect(used).toEqual(["b1b2"])
  })

  it("may be behind links that are set anew, as Kubernetes does with secrets", async () => {
    for (const version of ["1", "2"]) {
      await mkdir(join(folder, version))
      for (const name of ["one", "two"]) await writeFile(join(folder, version, name), `${version}${name}`)
    }
    await symlink("1", join(folder, "..data"))
    for (const name of ["one", "two"]) await symlink(join("..data", name), join(folder, name))
    const { used } = await pair()
    await symlink("2", join(folder, "..new"))
    await rename(join(folder, "..new"), join(folder, "..data"))
    await until(() => used.length > 0)
    expect(used).toEqual(["2one2two"])
  })

  it("are looked at from time to time where nothing tells of changes", async () => {
    await put("a1", "a2")
    await mkdir(join(folder, "elsewhere"))
    for (const name of ["one", "two"]) await rename(join(folder, name), join(folder, "elsewhere", name))
    // The folder that is watched holds links only; what they lead to changes unseen.
    for (const name of ["one", "two"]) await symlink(join("elsewhere", name), join(folder, name))
    const { used } = await pair({ interval: 30 })
    for (const name of ["one", "two"]) await writeFile(join(folder, "elsewhere", name), `c${name}`)
    await until(() => used.at(-1) === "conectwo")
  })

  it("are not taken over again when nothing has changed, nor after the end", async () => {
    await put("a1", "a2")
    const { reload, used, files } = await pair()
    await reload.reload()
    expect(await counted("unchanged")).toBe(true)
    reload.stop()
    await writeFile(files[0], "d1")
    await writeFile(files[1], "d2")
    await wait(60)
    expect(used).toEqual([])
  })
})
