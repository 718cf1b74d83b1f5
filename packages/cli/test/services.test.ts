// Commands that run beside a relay's own: the proxy alone, and moving from and to the reference server.
import { readdir } from "node:fs/promises"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { haveVectors, vectorsFolder } from "../../../test/vectors.ts"
import { sluice, start, temporaryFolder } from "./sluice.ts"

describe("sluice proxy", () => {
  it("runs the proxy of a data folder and ends properly", async () => {
    await using folder = await temporaryFolder()
    const env = { SLUICE_DATA: join(folder.path, "data"), SLUICE_PROXY_SERVER_PORT: "0", SLUICE_ADMIN_PORT: "0" }
    expect((await sluice(["init"], { env: { SLUICE_DATA: env.SLUICE_DATA } })).code).toBe(0)
    const proxy = start(["proxy"], { env })
    await proxy.said(/"message":"started"/)
    proxy.child.kill("SIGTERM")
    expect((await proxy.ended).code).toBe(0)
  })

  it("names a setting that is wrong in one line", async () => {
    await using folder = await temporaryFolder()
    const env = { SLUICE_DATA: join(folder.path, "data"), SLUICE_PROXY_SERVER_PORT: "99999" }
    const { code, stderr } = await sluice(["proxy"], { env })
    expect([code, stderr]).toEqual([
      2,
      'sluice: proxy_server.port (SLUICE_PROXY_SERVER_PORT): "99999" is not allowed; allowed: a whole number, 0 to 65535\n',
    ])
  })
})

describe.skipIf(!haveVectors)("sluice import and sluice export", () => {
  const source = (name: string): string => join(vectorsFolder, name)

  it("take a reference server's files over and give them back", async () => {
    await using folder = await temporaryFolder()
    const env = { SLUICE_DATA: join(folder.path, "data") }
    const files = ["--store-log", source("store-log.txt"), "--messages", source("messages-log.txt")]
    const dry = await sluice(["import", ...files, "--dry-run", "--json"], { env })
    expect([dry.code, JSON.parse(dry.stdout).status]).toEqual([0, "dry-run"])
    await expect(readdir(join(env.SLUICE_DATA, "store"))).rejects.toThrow("ENOENT")

    const taken = await sluice(["import", ...files, "--json"], { env })
    expect(taken.code).toBe(0)
    const summary = JSON.parse(taken.stdout)
    expect(summary).toMatchObject({ status: "imported", queues: JSON.parse(dry.stdout).queues })
    expect(taken.stderr).toMatch(/store-log\.txt:\d+: /)
    expect(JSON.parse((await sluice(["import", ...files, "--json"], { env })).stdout).status).toBe("finished-before")

    const target = join(folder.path, "out")
    const given = await sluice(["export", target, "--json"], { env })
    expect([given.code, JSON.parse(given.stdout).messages]).toEqual([0, summary.messages])
    expect(await readdir(join(target, "data"))).toContain("smp-server-store.log")
  })

  it("name what is missing in one line", async () => {
    await using folder = await temporaryFolder()
    const env = { SLUICE_DATA: join(folder.path, "data") }
    expect(await sluice(["import"], { env })).toMatchObject({
      code: 2,
      stderr: "sluice: nothing to import: name the data folder with --from, or a store log with --store-log\n",
    })
    const { code, stderr } = await sluice(["export", join(folder.path, "out")], { env })
    expect([code, stderr.split("\n").length, stderr]).toEqual([2, 2, expect.stringContaining("store.path: ")])
  })
})
