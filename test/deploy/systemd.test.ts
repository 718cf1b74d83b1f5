// The units of plain machines: what they start exists, they are closed as far as they can be, and systemd takes them.
import { spawnSync } from "node:child_process"
import { existsSync, readdirSync } from "node:fs"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { ROOT, textOf } from "./root.ts"

const SERVICES = ["relay", "proxy", "notifications", "links"]
const units = SERVICES.map((service) => ({ service, text: textOf("deploy", "systemd", `sluice-${service}.service`) }))

/** Everything that an option of a unit is set to. */
function valuesOf(text: string, option: string): string[] {
  return [...text.matchAll(new RegExp(`^${option}=(.*)$`, "gm"))].map(([, value = ""]) => value)
}

describe("systemd units", () => {
  it("are there for every service", () => {
    const files = readdirSync(join(ROOT, "deploy", "systemd")).filter((name) => name.endsWith(".service"))
    expect(files.toSorted()).toEqual(SERVICES.map((service) => `sluice-${service}.service`).toSorted())
  })

  it.each(units)("$service: starts what is there, with the flags of Node and its own data", ({ service, text }) => {
    const [node, ...rest] = (valuesOf(text, "ExecStart")[0] ?? "").split(" ")
    const flags: string[] = JSON.parse(textOf("tools", "node-flags.json"))
    expect(node).toBe("/opt/sluice/node_modules/node/bin/node")
    expect(rest).toEqual([...flags, "/opt/sluice/packages/cli/src/main.ts", service])
    expect(existsSync(join(ROOT, "packages", "cli", "src", "main.ts"))).toBe(true)
    const [state] = valuesOf(text, "StateDirectory")
    expect(valuesOf(text, "Environment").join(" ")).toContain(`SLUICE_DATA=/var/lib/${state}`)
    expect(units.filter((other) => other.text.includes(`StateDirectory=${state}\n`))).toHaveLength(1)
    // Longer than the default of shutdown.grace, 20 s.
    expect(Number(valuesOf(text, "TimeoutStopSec")[0])).toBeGreaterThan(20)
    expect(valuesOf(text, "RestartPreventExitStatus")).toEqual(["2"])
  })

  it.each(units)("$service: may do no more than it has to", ({ service, text }) => {
    for (const option of [
      ...["NoNewPrivileges", "ProtectHome", "ProtectHostname", "ProtectClock", "ProtectKernelTunables"],
      ...["ProtectKernelModules", "ProtectKernelLogs", "ProtectControlGroups", "PrivateTmp", "PrivateDevices"],
      ...["PrivateIPC", "RestrictNamespaces", "RestrictRealtime", "RestrictSUIDSGID", "LockPersonality"],
    ]) {
      expect([option, valuesOf(text, option)]).toEqual([option, ["yes"]])
    }
    expect(valuesOf(text, "User")).toEqual(["sluice"])
    expect(valuesOf(text, "ProtectSystem")).toEqual(["strict"])
    expect(valuesOf(text, "CapabilityBoundingSet")).toEqual([service === "links" ? "" : "CAP_NET_BIND_SERVICE"])
    expect(valuesOf(text, "SystemCallFilter")).toContain("@system-service")
  })

  it.skipIf(spawnSync("systemd-analyze", ["--version"]).status !== 0)(
    "are right for systemd, and not exposed",
    async () => {
      const folder = await mkdtemp(join(tmpdir(), "sluice-units-"))
      const paths: string[] = []
      for (const { service, text } of units) {
        const path = join(folder, `sluice-${service}.service`)
        // The program and the user of a real machine are not here.
        const here = text
          .replaceAll("/opt/sluice/node_modules/node/bin/node", process.execPath)
          .replaceAll("/opt/sluice", ROOT)
        await writeFile(path, here.replace(/^(?:User|Group)=.*\n/gm, ""))
        paths.push(path)
      }
      const verified = spawnSync("systemd-analyze", ["verify", "--man=no", ...paths], { encoding: "utf8" })
      const ours = verified.stderr.split("\n").filter((line) => line.includes("sluice-"))
      expect(ours).toEqual([])
      for (const path of paths) {
        const args = ["security", "--offline=true", "--threshold=30", "--no-pager", path]
        const { status, stdout } = spawnSync("systemd-analyze", args, { encoding: "utf8" })
        expect([path, status, stdout.split("\n").at(-2)]).toEqual([path, 0, expect.stringContaining("OK")])
      }
      await rm(folder, { recursive: true })
    },
  )
})
