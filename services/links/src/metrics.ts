import type { CounterFamily, MetricsRegister } from "@sluice/ops/metrics"
import type { PlainHistogram } from "@sluice/ops/plain-metrics"
import type { ResolveProblem } from "./resolver/problem.ts"
import type { ResolverLevels, ResolveSource } from "./resolver/resolver.ts"

/** What a request was for. */
export type PageKind = "link" | "server" | "asset" | "association" | "preview" | "missing"

/** How a preview ended. */
export type PreviewOutcome = ResolveSource | ResolveProblem | "defect"

const PAGES = ["link", "server", "asset", "association", "preview", "missing"] as const satisfies readonly PageKind[]
const OUTCOMES = [
  ...(["cache", "relay"] as const),
  ...(["not-found", "not-allowed", "relay-down", "relay-refused", "busy", "rate-limited", "bad-request"] as const),
  "defect",
] as const satisfies readonly PreviewOutcome[]
/** A relay nearby takes milliseconds; the longest time allowed is ten seconds by default. */
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** What the pages and the resolver count. No label says which link, relay or client. */
export interface LinksMetrics {
  readonly requests: CounterFamily<{ readonly page: readonly PageKind[] }>
  readonly previews: CounterFamily<{ readonly outcome: readonly PreviewOutcome[] }>
  readonly previewSeconds: PlainHistogram
  /** Where levels are read from; the server sets it. */
  levels: () => ResolverLevels & { readonly clients: number; readonly connections: number }
}

/** Registers all of them. */
export function createLinksMetrics(register: MetricsRegister): LinksMetrics {
  const metrics: LinksMetrics = {
    requests: register.counters({
      name: "sluice_links_requests_total",
      help: "HTTP requests by what they were for",
      labels: { page: PAGES },
    }),
    previews: register.counters({
      name: "sluice_links_previews_total",
      help: "Requests for the data of a link by how they ended",
      labels: { outcome: OUTCOMES },
    }),
    previewSeconds: register.histogram({
      name: "sluice_links_preview_seconds",
      help: "Time until the data of a link was there, relay and cache alike",
      buckets: SECONDS,
    }),
    levels: () => ({ fetching: 0, waiting: 0, cachedLinks: 0, cachedBytes: 0, clients: 0, connections: 0 }),
  }
  type Levels = ReturnType<LinksMetrics["levels"]>
  const gauge = (name: string, help: string, read: (levels: Levels) => number): void =>
    register.gaugeFrom({ name, help }, () => read(metrics.levels()))
  gauge("sluice_links_fetching", "Links that relays are being asked for", (l) => l.fetching)
  gauge("sluice_links_waiting", "Links that wait for others to be fetched", (l) => l.waiting)
  gauge("sluice_links_cached", "Links whose sealed data is in memory", (l) => l.cachedLinks)
  gauge("sluice_links_cached_bytes", "Memory of that data", (l) => l.cachedBytes)
  gauge("sluice_links_clients", "Clients whose rate is remembered, as hashes", (l) => l.clients)
  gauge("sluice_links_connections", "Open HTTP connections", (l) => l.connections)
  return metrics
}
