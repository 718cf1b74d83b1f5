import type { Dashboard } from "./dashboard.ts"
import { chosen, connectionsRow, forwardingRow, processRow, quantiles, rate, single } from "./parts.ts"

const labels = chosen("relay")
const sum = (metric: string): string => `sum (${metric}{${labels}})`
/** Nodes of a cluster all count the one store: the largest figure is the newest. */
const stored = (metric: string): string => `max (${metric}{${labels}})`

/** The relay. */
export const relayDashboard: Dashboard = {
  uid: "sluice-relay",
  title: "Sluice relay",
  job: "relay",
  rows: [
    {
      title: "At a glance",
      panels: [
        single("Relays up", `sum (up{${labels}})`),
        single("Sessions", sum("simplex_smp_clients_total")),
        single("Subscriptions", sum("simplex_smp_subscribtion_total")),
        single("Queues", stored("simplex_smp_queues_total1")),
        single("Messages stored", stored("simplex_smp_messages_total")),
        single("Certificate ends in", `min (sluice_certificate_seconds_left{${labels}})`, "s"),
      ],
    },
    {
      title: "Messages",
      panels: [
        {
          title: "Messages",
          unit: "cps",
          curves: [
            { expr: rate("simplex_smp_messages_sent", labels), legend: "accepted" },
            { expr: rate("simplex_smp_messages_received", labels), legend: "acknowledged" },
            { expr: rate("simplex_smp_messages_expired", labels), legend: "expired" },
            { expr: rate("simplex_smp_messages_sent_errors", labels, ["type"]), legend: "refused: {{type}}" },
          ],
        },
        {
          title: "From delivery to acknowledgement",
          unit: "s",
          curves: quantiles("sluice_delivery_acknowledged_seconds", labels),
        },
        {
          title: "Not acknowledged yet",
          unit: "short",
          curves: [
            { expr: `sum by (period) (simplex_smp_delivery_ack_pending_count{${labels}})`, legend: "{{period}} s" },
          ],
        },
        {
          title: "Queues",
          unit: "cps",
          curves: [
            { expr: rate("simplex_smp_queues_created", labels), legend: "created" },
            { expr: rate("simplex_smp_queues_secured", labels), legend: "secured" },
            { expr: rate("simplex_smp_queues_deleted", `${labels},type="all"`), legend: "deleted" },
            { expr: rate("simplex_smp_queues_blocked", labels), legend: "blocked" },
          ],
        },
        {
          title: "Commands",
          unit: "cps",
          curves: [
            { expr: rate("sluice_commands_received_total", labels), legend: "received" },
            { expr: rate("sluice_parse_errors_total", labels), legend: "not understood" },
          ],
        },
        {
          title: "Notifications",
          unit: "cps",
          curves: [
            { expr: rate("simplex_smp_messages_ntf_successes", labels), legend: "sent" },
            { expr: rate("simplex_smp_messages_ntf_errors", labels, ["type"]), legend: "lost: {{type}}" },
          ],
        },
      ],
    },
    connectionsRow("relay"),
    {
      title: "Store",
      panels: [
        {
          title: "Commits of the embedded store",
          unit: "cps",
          curves: [
            { expr: rate("sluice_store_commits_total", labels), legend: "commits" },
            { expr: rate("sluice_store_committed_operations_total", labels), legend: "changes" },
            { expr: rate("sluice_store_rejected_operations_total", labels), legend: "refused" },
          ],
        },
        {
          title: "Time of a commit",
          unit: "s",
          curves: [
            {
              expr: `${rate("sluice_store_commit_seconds_total", labels, ["instance"])} / ${rate("sluice_store_commits_total", labels, ["instance"])}`,
              legend: "{{instance}}",
            },
          ],
        },
        {
          title: "Redis",
          unit: "cps",
          curves: [
            { expr: rate("sluice_redis_units_total", labels), legend: "units" },
            { expr: rate("sluice_redis_failures_total", labels), legend: "failed" },
            { expr: rate("sluice_redis_connects_total", labels), legend: "connections made" },
          ],
        },
      ],
    },
    {
      title: "Cluster",
      panels: [
        {
          title: "Nodes",
          help: "What each node counts; they should agree.",
          unit: "short",
          curves: [{ expr: `sluice_fleet_nodes{${labels}}`, legend: "{{instance}}" }],
        },
        {
          title: "Events",
          unit: "cps",
          curves: [
            { expr: rate("sluice_fleet_events_published_total", labels, ["to"]), legend: "published to {{to}}" },
            { expr: rate("sluice_fleet_events_received_total", labels), legend: "received" },
            { expr: rate("sluice_fleet_publish_failures_total", labels), legend: "not published" },
          ],
        },
        {
          title: "Interruptions",
          unit: "short",
          curves: [
            {
              expr: `sum by (instance) (increase(sluice_fleet_interruptions_total{${labels}}[$__rate_interval]))`,
              legend: "{{instance}} cut off",
            },
            {
              expr: `sum by (instance) (increase(sluice_fleet_leases_lost_total{${labels}}[$__rate_interval]))`,
              legend: "{{instance}} lease lost",
            },
          ],
        },
      ],
    },
    forwardingRow("relay"),
    processRow("relay", [
      {
        title: "Periodic work",
        unit: "short",
        curves: [
          {
            expr: `sum by (exported_job) (increase(sluice_job_failures_total{${labels}}[1h]))`,
            legend: "{{exported_job}} failed",
          },
        ],
      },
    ]),
  ],
}
