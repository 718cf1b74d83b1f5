// What scripts start through npm. These tests run where the installation is up to date, as it is under `npm test`: elsewhere
// npm's scripts would begin to install.
import { createHash } from "node:crypto"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { sluice, start, temporaryFolder } from "./sluice.ts"

const root = join(import.meta.dirname, "..", "..", "..")

/** The same comparison as in tools/bootstrap.mjs. */
function installed(): boolean {
  const stamp = join(root, "node_modules", ".installed")
  if (!existsSync(stamp)) return false
  const lock = createHash("sha256")
    .update(readFileSync(join(root, "pnpm-lock.yaml")))
    .digest("hex")
  return readFileSync(stamp, "utf8") === lock
}

describe.skipIf(!installed())("npm start", () => {
  it.each(["npm alone", "its whole group"])("serves, and ends with 0 when %s gets SIGTERM", async (target) => {
    await using folder = await temporaryFolder()
    const env = { SLUICE_DATA: folder.path, SLUICE_RELAY_PORT: "0", SLUICE_ADMIN_PORT: "0" }
    const running = start(["start"], { env, cwd: root, program: ["npm"], group: true })
    await running.said(/"message":"started"/)
    const printed = await sluice(["run", "-s", "sluice", "--", "address"], { env, cwd: root, program: ["npm"] })
    expect(printed).toMatchObject({ code: 0, stdout: expect.stringMatching(/^smp:\/\/[\w-]{43}=@localhost:\d+\n$/) })

    const pid = running.child.pid ?? 0
    process.kill(target === "npm alone" ? pid : -pid, "SIGTERM")
    const { code, stderr } = await running.ended
    expect(code).toBe(0)
    expect(stderr).toContain('"message":"stopped"')
  })
})
