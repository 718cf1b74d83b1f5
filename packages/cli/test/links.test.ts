// `sluice links`, and the pages beside a relay.
import { join } from "node:path"
import { FOREIGN_SECTIONS, linksSettings } from "@sluice/links/config"
import { expect, it } from "vitest"
import { settings } from "../src/place.ts"
import { sluice, start, temporaryFolder } from "./sluice.ts"

it("`sluice links` serves pages without a relay, and ends properly", async () => {
  await using folder = await temporaryFolder()
  const env = { SLUICE_DATA: join(folder.path, "data"), SLUICE_LINKS_PORT: "0", SLUICE_ADMIN_PORT: "0" }
  const links = start(["links"], { env })
  const log = await links.said(/"message":"started"/)
  const [, bind] = /"bind":"(127\.0\.0\.1:\d+)","message":"serving pages for links"/.exec(log) ?? []
  expect(await (await fetch(`http://${bind}/g`)).text()).toContain('data-kind="g"')
  links.child.kill("SIGTERM")
  expect((await links.ended).code).toBe(0)
})

it("`sluice links` knows the sections of all that `sluice up` runs", () => {
  const own = Object.keys(linksSettings)
  const others = Object.keys(settings).filter((name) => !own.includes(name))
  expect(others.filter((name) => !FOREIGN_SECTIONS.includes(name))).toEqual([])
})

it("`sluice links` takes the configuration file that a relay has", async () => {
  await using folder = await temporaryFolder()
  const env = { SLUICE_DATA: join(folder.path, "data"), SLUICE_LINKS_PORT: "0", SLUICE_ADMIN_PORT: "0" }
  expect((await sluice(["init"], { env })).code).toBe(0)
  const links = start(["links"], { env })
  await links.said(/"message":"started"/)
  links.child.kill("SIGTERM")
  expect((await links.ended).code).toBe(0)
})

it("`sluice links` names a setting that is wrong in one line", async () => {
  await using folder = await temporaryFolder()
  const env = { SLUICE_DATA: join(folder.path, "data"), SLUICE_LINKS_PREVIEW_BURST: "0" }
  const { code, stderr } = await sluice(["links"], { env })
  expect([code, stderr]).toEqual([
    2,
    'sluice: links.preview_burst (SLUICE_LINKS_PREVIEW_BURST): "0" is not allowed; allowed: a whole number, at least 1\n',
  ])
})

it("`sluice up --links` does not go with --workers, and says so in one line", async () => {
  await using folder = await temporaryFolder()
  const env = { SLUICE_DATA: join(folder.path, "data"), SLUICE_RELAY_PORT: "0", SLUICE_ADMIN_PORT: "0" }
  const { code, stderr } = await sluice(["up", "--links", "--workers", "2"], { env })
  expect([code, stderr]).toEqual([
    2,
    expect.stringMatching(/^sluice: links\.enabled does not go with --workers and --cluster; .*\n$/),
  ])
})
