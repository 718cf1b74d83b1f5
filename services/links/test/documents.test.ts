import { readFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { systemClock } from "@sluice/ops/clock"
import { FileReload } from "@sluice/ops/file-reload"
import { Metrics } from "@sluice/ops/metrics"
import { silentLog } from "@sluice/ops/recording-log"
import { describe, expect, it } from "vitest"
import { createLinksMetrics } from "../src/metrics.ts"
import { STATE_LIST } from "../src/states.ts"
import { en } from "../src/texts/en.ts"
import { servePages } from "./readme-example.ts"

const read = (...path: string[]): string => readFileSync(join(import.meta.dirname, ...path), "utf8")
const page = read("..", "..", "..", "docs", "link-pages.md")

describe("README.md", () => {
  it("shows the example that is compiled and run here", () => {
    expect(/```ts\n(.*?)```/s.exec(read("..", "README.md"))?.[1]).toBe(read("readme-example.ts"))
  })

  it("has an example that serves", async () => {
    await using pages = await servePages(`smp://${"A".repeat(43)}=@smp.example.com`, tmpdir())
    const response = await fetch(`http://127.0.0.1:${pages.address.port}/a`)
    expect(await response.text()).toContain('data-preview="on"')
  })
})

describe("docs/link-pages.md", () => {
  it("describes every metric, and no other", async () => {
    const metrics = new Metrics()
    createLinksMetrics(metrics.register)
    // Beside what pages count: their certificates, where they have any.
    const watched = { what: "", files: [], present: "", metric: "sluice_links_certificate_reloads_total" }
    const components = { clock: systemClock, log: silentLog, register: metrics.register }
    new FileReload({ ...watched, load: async () => "", same: () => true, use: () => undefined }, components)
    const served = Array.from((await metrics.render()).matchAll(/^# TYPE (sluice_links\w+) /gm), ([, name]) => name)
    const described = Array.from(page.matchAll(/^\| `(sluice_\w+)` +\|/gm), ([, name]) => name)
    expect(described.toSorted()).toEqual(served.toSorted())
  })

  it("names everything that a page can say", () => {
    const titles = STATE_LIST.filter(({ name }) => name !== "loading").map(({ title }) => en[title])
    for (const title of titles) expect(page).toContain(`\n| ${title} `)
  })
})
