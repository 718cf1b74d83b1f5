import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { nativeCrypto } from "@sluice/crypto/native"
import { MemoryProvider } from "@sluice/push/memory-provider"
import { createIdentity, identityFiles } from "@sluice/transport/certificates"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { NotificationsServer } from "../src/notifications-server.ts"
import { serve } from "./example.ts"

let folder: string
let server: NotificationsServer

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-ntf-docs-"))
  const files = identityFiles(join(folder, "notifications-identity"))
  await createIdentity(nativeCrypto, files, { host: "localhost", now: Math.floor(Date.now() / 1000) })
  server = await serve(folder, new MemoryProvider())
})

afterAll(async () => {
  await server.stop()
  await rm(folder, { recursive: true, force: true })
})

const read = (...path: string[]) => readFile(join(import.meta.dirname, ...path), "utf8")

describe("documents", () => {
  it("the README shows the example that serves here", async () => {
    expect(await read("..", "README.md")).toContain(`\`\`\`ts\n${await read("example.ts")}\`\`\``)
    expect(server.addresses[0]?.port).toBeGreaterThan(0)
  })

  it("docs/notifications.md describes every metric of this server, and no other", async () => {
    const text = await read("..", "..", "..", "docs", "notifications.md")
    const rows = Array.from(
      text.matchAll(/^\| `((?:simplex_ntf|sluice_notifications)_[a-z0-9_]+)` +\|/gm),
      ([, name]) => name,
    )
    const served = await (await fetch(`http://127.0.0.1:${server.adminAddress.port}/metrics`)).text()
    const own = Array.from(served.matchAll(/^# TYPE ((?:simplex_ntf|sluice_notifications)_\w+) /gm), ([, name]) => name)
    expect(own.length).toBeGreaterThan(20)
    expect(rows.toSorted()).toEqual(own.toSorted())
  })

  it("is ready while its store answers, and no more when it stops", async () => {
    expect((await server.readiness.report()).ready).toBe(true)
    await server.stop()
    expect((await server.readiness.report()).failing).toContain("draining")
  })
})
