import { CLIENT_LIMIT, type LoadReport, type PartReport } from "./report.ts"

type Row = readonly [name: string, ...values: string[]]

/** A report for people: one block of lines for each part. */
export function reportTable({ mode, server, version, settings, parts }: LoadReport): string {
  const given = Object.entries(settings).map(([name, value]) => `${name} ${value}`)
  const head = `${mode}: ${server}, version ${version}, ${given.join(", ")}`
  return [head, ...parts.map((part) => `\n${lines(rowsOf(part))}`)].join("\n")
}

function rowsOf({ name, unit, count, seconds, perSecond, errors, latencies, client, server }: PartReport): Row[] {
  const rows: Row[] = [
    [
      name,
      `${plural(count, unit)} in ${seconds.toFixed(2)} s: ${perSecond.toFixed(perSecond < 100 ? 1 : 0)} per second`,
    ],
  ]
  for (const [latency, { p50, p90, p99, max }] of Object.entries(latencies)) {
    rows.push([latency, `p50 ${ms(p50)}   p90 ${ms(p90)}   p99 ${ms(p99)}   max ${ms(max)}`])
  }
  if (server !== undefined) {
    rows.push(["server CPU", cpu(server, unit)])
    const growth = `${kib(server.rssPerUnit)} for each ${unit}`
    rows.push([
      "server memory",
      `${mib(server.rssBefore)} → ${mib(server.rssAfter)}, peak ${mib(server.rssPeak)}; ${growth}`,
    ])
  }
  rows.push(["load generator CPU", cpu(client, unit)])
  if (client.cores >= CLIENT_LIMIT)
    rows.push(["", "the load generator was busy all the time: it may be what was measured"])
  const failures = Object.entries(errors)
  if (failures.length === 0) rows.push(["errors", "none"])
  for (const [text, times] of failures) rows.push(["error", `${times} × ${text}`])
  return rows
}

function cpu({ cpuPerThousand, cores }: PartReport["client"], unit: string): string {
  return `${cpuPerThousand.toFixed(3)} s for 1,000 ${unit}s, ${(cores * 100).toFixed(0)} % of a core`
}

function lines(rows: readonly Row[]): string {
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, ...values]) => `${name.padEnd(width)}  ${values.join("  ")}`).join("\n")
}

function plural(count: number, unit: string): string {
  return `${count.toLocaleString("en")} ${unit}${count === 1 ? "" : "s"}`
}

function ms(value: number): string {
  return `${value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)} ms`
}

function mib(bytes: number): string {
  return `${(bytes / 1_048_576).toFixed(1)} MiB`
}

function kib(bytes: number): string {
  return `${(bytes / 1024).toFixed(1)} KiB`
}
