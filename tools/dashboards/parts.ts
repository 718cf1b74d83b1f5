// Rows that several dashboards have.
import type { Curve, Panel, Row } from "./dashboard.ts"

/** Chooses the instances that are looked at. */
export function chosen(job: string): string {
  return `job="${job}",instance=~"$instance"`
}

/** Changes per second of a counter, by labels. */
export function rate(metric: string, labels: string, by: readonly string[] = []): string {
  const sum = by.length === 0 ? "sum" : `sum by (${by.join(", ")})`
  return `${sum} (rate(${metric}{${labels}}[$__rate_interval]))`
}

/** The value below which a part of what a histogram saw is. */
export function quantile(part: number, metric: string, labels: string): string {
  return `histogram_quantile(${part}, sum by (le) (rate(${metric}_bucket{${labels}}[$__rate_interval])))`
}

/** Median and the slowest hundredth. */
export function quantiles(metric: string, labels: string): readonly Curve[] {
  return [
    { expr: quantile(0.5, metric, labels), legend: "half" },
    { expr: quantile(0.99, metric, labels), legend: "99 of 100" },
  ]
}

/** A panel with one number. */
export function single(title: string, expr: string, unit = "short"): Panel {
  return { title, unit, single: true, curves: [{ expr, legend: "" }] }
}

/** The process, the same for every service. */
export function processRow(job: string, more: readonly Panel[] = []): Row {
  const labels = chosen(job)
  return {
    title: "Process",
    panels: [
      {
        title: "Event loop busy",
        help: "Near 1 the process has no time left: add processes.",
        unit: "percentunit",
        curves: [{ expr: `sluice_event_loop_utilization_ratio{${labels}}`, legend: "{{instance}}" }],
      },
      {
        title: "Memory",
        unit: "bytes",
        curves: [
          { expr: `process_resident_memory_bytes{${labels}}`, legend: "{{instance}} resident" },
          { expr: `nodejs_heap_size_used_bytes{${labels}}`, legend: "{{instance}} heap" },
        ],
      },
      {
        title: "File descriptors",
        unit: "short",
        curves: [
          { expr: `process_open_fds{${labels}}`, legend: "{{instance}} open" },
          { expr: `process_max_fds{${labels}}`, legend: "{{instance}} limit" },
        ],
      },
      ...more,
    ],
  }
}

/** Connections and handshakes of servers that speak blocks. */
export function connectionsRow(job: string): Row {
  const labels = chosen(job)
  return {
    title: "Connections",
    panels: [
      {
        title: "Connections by stage",
        unit: "short",
        curves: [{ expr: `sum by (stage) (sluice_connections{${labels}})`, legend: "{{stage}}" }],
      },
      {
        title: "New, refused and failed",
        help: "What limits refuse, and what never gets through TLS or the handshake.",
        unit: "cps",
        curves: [
          { expr: rate("sluice_connections_accepted_total", labels), legend: "accepted" },
          { expr: rate("sluice_sessions_opened_total", labels), legend: "sessions" },
          { expr: rate("sluice_connections_refused_total", labels, ["limit"]), legend: "refused: {{limit}}" },
          { expr: rate("sluice_tls_failures_total", labels, ["kind"]), legend: "TLS: {{kind}}" },
          { expr: rate("sluice_handshake_failures_total", labels, ["kind"]), legend: "handshake: {{kind}}" },
        ],
      },
      {
        title: "Ends of sessions",
        unit: "cps",
        curves: [{ expr: rate("sluice_sessions_ended_total", labels, ["end"]), legend: "{{end}}" }],
      },
      { title: "Time to set up TLS", unit: "s", curves: quantiles("sluice_tls_setup_seconds", labels) },
      {
        title: "Blocks",
        unit: "cps",
        curves: [
          { expr: rate("sluice_blocks_received_total", labels), legend: "received" },
          { expr: rate("sluice_blocks_sent_total", labels), legend: "sent" },
        ],
      },
      {
        title: "Slow peers",
        help: "Sessions that are not read from, or whose peer does not read.",
        unit: "short",
        curves: [
          { expr: `sum (sluice_paused_sessions{${labels}})`, legend: "paused" },
          { expr: `sum (sluice_congested_sessions{${labels}})`, legend: "congested" },
        ],
      },
    ],
  }
}

/** Private routing, in a relay or alone. */
export function forwardingRow(job: string): Row {
  const labels = chosen(job)
  return {
    title: "Private routing",
    panels: [
      {
        title: "Forwarded commands",
        unit: "cps",
        curves: [
          { expr: rate("simplex_smp_relay_messages_requests", `${labels},source="all"`), legend: "asked for" },
          { expr: rate("simplex_smp_relay_messages_successes", `${labels},source="all"`), legend: "answered" },
          {
            expr: rate("simplex_smp_relay_messages_errors", `${labels},source="all"`, ["type"]),
            legend: "failed: {{type}}",
          },
        ],
      },
      {
        title: "Connecting to relays",
        unit: "cps",
        curves: [
          { expr: rate("simplex_smp_relay_sessions_requests", `${labels},source="all"`), legend: "asked for" },
          {
            expr: rate("simplex_smp_relay_sessions_errors", `${labels},source="all"`, ["type"]),
            legend: "failed: {{type}}",
          },
        ],
      },
      {
        title: "Under way",
        unit: "short",
        curves: [
          { expr: `sum (sluice_proxy_commands_running{${labels}})`, legend: "commands running" },
          { expr: `sum (sluice_proxy_commands_waiting{${labels}})`, legend: "commands waiting" },
          { expr: `sum (sluice_proxy_destinations{${labels}})`, legend: "relays connected" },
          { expr: `sum (sluice_proxy_connecting{${labels}})`, legend: "relays being connected" },
        ],
      },
    ],
  }
}
