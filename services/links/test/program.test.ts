import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { nativeCrypto } from "@sluice/crypto/native"
import { createIdentity, identityFiles, rotateLeaf } from "@sluice/transport/certificates"
import { afterAll, beforeAll, expect, it } from "vitest"
import { type RunningProgram, runInTest } from "../../../packages/ops/test/running-program.ts"
import { linksProgram } from "../src/program.ts"
import { LinksUnderTest } from "./links-under-test.ts"

const FREE_PORTS = { SLUICE_LINKS_PORT: "0", SLUICE_ADMIN_PORT: "0" }
const WEB = { SLUICE_LINKS_CERTIFICATE: "web/server.crt", SLUICE_LINKS_KEY: "web/server.key" }
const REQUEST = { host: "localhost", now: Math.floor(Date.now() / 1000) }

let folder: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sluice-links-"))
  await createIdentity(nativeCrypto, identityFiles(join(folder, "web")), REQUEST)
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

const run = (env: Record<string, string>): RunningProgram => runInTest(linksProgram, { SLUICE_DATA: folder, ...env })

it("runs from its start to SIGTERM, with health and metrics", async () => {
  const { exit, signals, lines, errors, said } = run(FREE_PORTS)
  const { bind } = JSON.parse(await said("serving metrics and health"))
  await said("started")
  for (const path of ["/healthz", "/readyz"]) expect((await fetch(`http://${bind}${path}`)).status).toBe(200)
  expect(await (await fetch(`http://${bind}/metrics`)).text()).toMatch(/^sluice_links_connections 0$/m)
  signals.emit("SIGTERM")
  expect(await exit).toBe(0)
  expect(errors).toEqual([])
  expect(lines.every((line) => JSON.parse(line).service === "links")).toBe(true)
})

it("serves over TLS with a certificate of its own, which is read again on SIGHUP", async () => {
  const { exit, signals, said } = run({ ...FREE_PORTS, ...WEB })
  await said("started")
  await rotateLeaf(nativeCrypto, identityFiles(join(folder, "web")), REQUEST)
  signals.emit("SIGHUP")
  await said("reloaded")
  signals.emit("SIGINT")
  expect(await exit).toBe(0)
})

it.each([
  [{ SLUICE_LINKS_PORT: "x" }, /^sluice: links\.port .*"x".*whole number/],
  [{ SLUICE_LINKS_RELAYS: "smp.example.com" }, /^sluice: links\.relays .*smp:\/\/FINGERPRINT@/],
  [{ SLUICE_LINKS_RELAYS: `smp://${"A".repeat(43)}=:secret@smp.example.com` }, /without its password/],
  [{ SLUICE_LINKS_CERTIFICATE: "web/server.crt" }, /^sluice: links\.key is not set/],
  [{ SLUICE_LINKS_ON_RELAY_PORT: "on" }, /^sluice: links\.certificate is not set/],
  [{ ...WEB, SLUICE_LINKS_KEY: "web/none.key" }, /^sluice: links\.key: "web\/none\.key" cannot be read \(ENOENT\)/],
  [{ ...WEB, SLUICE_LINKS_KEY: "web/ca.key" }, /^sluice: links\.certificate and links\.key do not fit together/],
  [{ SLUICE_LINKS_INFORMATION_OPERATOR_COUNTRY: "Schweiz" }, /^sluice: links\.information\.operator_country /],
  [{ SLUICE_LINKS_TRUSTED_PROXIES: "10.0.0" }, /^sluice: links\.trusted_proxies .*"10\.0\.0".*network/],
  [{ SLUICE_LINKS_BIND: "192.0.2.1" }, /^sluice: cannot listen on 192\.0\.2\.1:0 for the pages of links/],
])("does not start with %o, and says why in one line", async (env, line) => {
  const { exit, errors } = run({ ...FREE_PORTS, ...env })
  expect(await exit).toBe(2)
  expect(errors).toEqual([expect.stringMatching(line)])
})

it("shares a configuration file with a relay", async () => {
  const path = join(folder, "shared.toml")
  writeFileSync(
    path,
    '[relay]\nhost = ["smp.example.com"]\n[links]\npreview = false\n[links.information]\noperator = "A"\n',
  )
  const { exit, signals, said } = run({ ...FREE_PORTS, SLUICE_CONFIG: path })
  await said("started")
  signals.emit("SIGTERM")
  expect(await exit).toBe(0)
})

it("listens on every address of a list, on one port", async () => {
  await using pages = await LinksUnderTest.start({ "links.bind": ["127.0.0.1", "127.0.0.2", "127.0.0.3"] })
  const { port } = pages.server.address
  for (const host of ["127.0.0.1", "127.0.0.2", "127.0.0.3"]) {
    const answer = await fetch(`http://${host}:${port}/`)
    expect(answer.status).toBe(200)
    await answer.text()
  }
  await expect(LinksUnderTest.start({ "links.bind": ["127.0.0.4", "127.0.0.1"], "links.port": port })).rejects.toThrow(
    `cannot listen on 127.0.0.1:${port} for the pages of links (EADDRINUSE)`,
  )
})
