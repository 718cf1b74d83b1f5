// Every expression of alerts and dashboards is PromQL, and asks for series that running services have.
import { spawnSync } from "node:child_process"
import { readdirSync } from "node:fs"
import { join } from "node:path"
import { beforeAll, describe, expect, it } from "vitest"
import { parse } from "yaml"
import { sluice, start, temporaryFolder } from "../../../packages/cli/test/sluice.ts"
import { allMetrics } from "../../../services/relay/test/all-metrics.ts"
import { DASHBOARDS } from "../../../tools/dashboards/all.ts"
import { renderDashboard } from "../../../tools/dashboards/dashboard.ts"
import { ROOT, textOf } from "../root.ts"
import { readPromql, withoutVariables } from "./promql.ts"
import { OF_PROMETHEUS, OF_REDIS_EXPORTER, readSeries, type Series } from "./series.ts"

interface Alert {
  readonly alert: string
  readonly expr: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string; readonly runbook_url: string }
}
const alerts = (parse(textOf("deploy", "prometheus", "alerts.yml")) as { groups: { rules: Alert[] }[] }).groups.flatMap(
  ({ rules }) => rules,
)
const SERVICES = ["relay", "proxy", "notifications", "links"]

/** What each job serves, by its name. */
const served = new Map<string, Series[]>([["redis", [OF_PROMETHEUS, OF_REDIS_EXPORTER]]])

beforeAll(async () => {
  await using folder = await temporaryFolder()
  const names = ["RELAY", "PROXY_SERVER", "NOTIFICATIONS", "LINKS", "ADMIN"]
  const ports = Object.fromEntries(names.map((name) => [`SLUICE_${name}_PORT`, "0"]))
  const env = { ...ports, SLUICE_DATA: folder.path, SLUICE_LOG_FORMAT: "json" }
  for (const args of [["init"], ["notifications", "init"]]) expect((await sluice(args, { env })).code).toBe(0)
  await Promise.all(
    SERVICES.map(async (name) => {
      const service = start([name], { env })
      const log = await service.said(/"message":"started"/)
      const [, bind] = /"component":"admin","bind":"([^"]+)"/.exec(log) ?? []
      const text = await (await fetch(`http://${bind}/metrics`)).text()
      service.child.kill("SIGTERM")
      expect([name, (await service.ended).code]).toEqual([name, 0])
      served.set(name, [OF_PROMETHEUS, readSeries(text)])
    }),
  )
  // With the store in Redis there are more.
  served.get("relay")?.push(readSeries(await allMetrics()))
}, 120_000)

/** What is wrong with an expression: series, labels or values that no service of its jobs has. */
function problemsOf(expression: string, onlyJob?: string): string[] {
  return readPromql(withoutVariables(expression)).flatMap(({ metric, matchers }) => {
    const job = matchers.find(({ label }) => label === "job")
    if (job === undefined) return [`${metric} is asked of every job`]
    const wanted = new RegExp(`^(?:${job.value})$`)
    const jobs = [...served.keys()].filter((name) => (job.operator === "=~" ? wanted.test(name) : name === job.value))
    if (jobs.length === 0) return [`no job is ${job.value}`]
    if (onlyJob !== undefined && (jobs.length > 1 || jobs[0] !== onlyJob)) return [`${metric} is of another job`]
    return jobs.flatMap((name) => {
      const series = (served.get(name) ?? []).flatMap((all) => all.get(metric) ?? [])
      if (series.length === 0) return [`${name} has no ${metric}`]
      return matchers
        .filter(({ label }) => !["job", "instance"].includes(label))
        .filter(({ label, operator, value }) => {
          const test = new RegExp(`^(?:${value})$`)
          const matches = (has: string): boolean => (operator.endsWith("~") ? test.test(has) : has === value)
          return !series.some((labels) => labels[label] !== undefined && matches(labels[label]))
        })
        .map(({ label, operator, value }) => `${name} has no ${metric} with ${label}${operator}${value}`)
    })
  })
}

describe("the reader of PromQL", () => {
  it("finds series and matchers, and refuses what is no PromQL", () => {
    expect(readPromql('sum by (a) (rate(x_total{a="1",b!~"2|3"}[5m])) / y > 0')).toEqual([
      {
        metric: "x_total",
        matchers: [
          { label: "a", operator: "=", value: "1" },
          { label: "b", operator: "!~", value: "2|3" },
        ],
      },
      { metric: "y", matchers: [] },
    ])
    for (const wrong of ["rate(x[5m)", "sum by (x", "x{a=1}", "x +", "x[5q]", "1 + 2"]) {
      expect(() => readPromql(wrong)).toThrow()
    }
  })

  it("is strict about series, labels and values", () => {
    expect(problemsOf('sluice_connections{job="relay",stage="session"}')).toEqual([])
    expect(problemsOf('sluice_connection{job="relay"}')).toHaveLength(1)
    expect(problemsOf('sluice_connections{job="relay",stage="sessions"}')).toHaveLength(1)
    expect(problemsOf('sluice_connections{job="relais"}')).toHaveLength(1)
    expect(problemsOf("sluice_connections")).toHaveLength(1)
  })
})

describe("alerts", () => {
  it("ask for what services have", () => {
    expect(alerts.length).toBeGreaterThan(20)
    expect(alerts.flatMap(({ alert, expr }) => problemsOf(expr).map((problem) => `${alert}: ${problem}`))).toEqual([])
  })

  it.each(alerts)(
    "$alert has a name of its own and a page that says what it is, how to look and what to do",
    (alert) => {
      expect(alerts.filter((other) => other.alert === alert.alert)).toHaveLength(1)
      expect(["critical", "warning", "info"]).toContain(alert.labels.severity)
      expect(alert.annotations.runbook_url).toBe(`docs/runbooks/${alert.alert}.md`)
      const page = textOf(alert.annotations.runbook_url)
      expect(page).toMatch(new RegExp(`^# ${alert.alert}\n\n\\S`))
      expect(page).toContain(`Severity \`${alert.labels.severity}\``)
      const [, shown = ""] = /```promql\n([^`]*)```/.exec(page) ?? []
      expect(shown.replace(/\s+/g, " ").trim()).toBe(alert.expr.replace(/\s+/g, " ").trim())
      for (const title of ["## How to look", "## What to do"]) expect(page).toMatch(new RegExp(`\n${title}\n\n- `))
      expect(textOf("docs", "runbooks", "README.md")).toContain(`[${alert.alert}](${alert.alert}.md)`)
    },
  )

  it.skipIf(spawnSync("promtool", ["--version"]).status !== 0)("are right for Prometheus itself", () => {
    const { stdout } = spawnSync("promtool", ["check", "rules", join(ROOT, "deploy", "prometheus", "alerts.yml")], {
      encoding: "utf8",
    })
    expect(stdout).toContain(`SUCCESS: ${alerts.length} rules found`)
  })

  it("have all the pages there are", () => {
    const pages = readdirSync(join(ROOT, "docs", "runbooks")).filter((name) => name !== "README.md")
    expect(pages.toSorted()).toEqual(alerts.map(({ alert }) => `${alert}.md`).toSorted())
  })
})

describe("dashboards", () => {
  it("are there for every service, and for Redis", () => {
    expect(DASHBOARDS.map(({ job }) => job)).toEqual([...SERVICES, "redis"])
    const files = readdirSync(join(ROOT, "deploy", "grafana", "dashboards"))
    expect(files.toSorted()).toEqual(DASHBOARDS.map(({ job }) => `${job}.json`).toSorted())
    expect(new Set(DASHBOARDS.map(({ uid }) => uid)).size).toBe(DASHBOARDS.length)
  })

  it.each(DASHBOARDS)(
    "$title: the file is what the description says, and asks for what the service has",
    (dashboard) => {
      const file: unknown = JSON.parse(textOf("deploy", "grafana", "dashboards", `${dashboard.job}.json`))
      // Differs? `node tools/dashboards/main.ts` writes the files.
      expect(file).toEqual(JSON.parse(JSON.stringify(renderDashboard(dashboard))))
      const panels = dashboard.rows.flatMap((row) => row.panels)
      const curves = panels.flatMap(({ title, curves: all }) =>
        all.map(({ expr, legend }) => ({ title, expr, legend })),
      )
      expect(curves.length).toBeGreaterThan(5)
      for (const { title, expr } of curves) expect([title, problemsOf(expr, dashboard.job)]).toEqual([title, []])
      // What a legend names is a label that the expression keeps.
      for (const { expr, legend } of curves) {
        for (const [, label = ""] of legend.matchAll(/\{\{(\w+)\}\}/g)) {
          const kept = [...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, by = ""]) => by.split(/, */))
          if (expr.includes("sum")) expect([expr, kept]).toEqual([expr, expect.arrayContaining([label])])
        }
      }
    },
  )
})
