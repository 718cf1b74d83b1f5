import type { Dashboard } from "./dashboard.ts"
import { chosen, connectionsRow, forwardingRow, processRow, quantiles, rate, single } from "./parts.ts"

const proxy = chosen("proxy")
const notifications = chosen("notifications")
const links = chosen("links")

/** The proxy alone. */
export const proxyDashboard: Dashboard = {
  uid: "sluice-proxy",
  title: "Sluice proxy",
  job: "proxy",
  rows: [
    {
      title: "At a glance",
      panels: [
        single("Proxies up", `sum (up{${proxy}})`),
        single("Sessions", `sum (sluice_connections{${proxy},stage="session"})`),
        single("Relays connected", `sum (sluice_proxy_destinations{${proxy}})`),
      ],
    },
    forwardingRow("proxy"),
    connectionsRow("proxy"),
    processRow("proxy"),
  ],
}

/** The push-notification server. */
export const notificationsDashboard: Dashboard = {
  uid: "sluice-notifications",
  title: "Sluice notifications",
  job: "notifications",
  rows: [
    {
      title: "At a glance",
      panels: [
        single("Servers up", `sum (up{${notifications}})`),
        single("Devices", `sum (simplex_ntf_tokens_total{${notifications}})`),
        single("Subscriptions", `sum (simplex_ntf_subscriptions_approx_total{${notifications}})`),
        single("Relays connected", `sum (simplex_ntf_smp_sessions_count{${notifications}})`),
        single("Pushes stored", `sum (sluice_notifications_pushes_stored{${notifications}})`),
        single("Certificate ends in", `min (sluice_certificate_seconds_left{${notifications}})`, "s"),
      ],
    },
    {
      title: "Pushes",
      panels: [
        {
          title: "Message pushes",
          unit: "cps",
          curves: [
            { expr: rate("simplex_ntf_notifications_received", notifications), legend: "received from relays" },
            { expr: rate("simplex_ntf_notifications_delivered", notifications), legend: "delivered" },
            { expr: rate("simplex_ntf_notifications_failed", notifications), legend: "failed" },
            {
              expr: rate("sluice_notifications_pushes_merged_total", notifications),
              legend: "merged with an earlier one",
            },
            { expr: rate("sluice_notifications_push_retries_total", notifications), legend: "tried again" },
          ],
        },
        {
          title: "Waiting and under way",
          unit: "short",
          curves: [
            { expr: `sum (sluice_notifications_pushes_stored{${notifications}})`, legend: "stored" },
            { expr: `sum (simplex_ntf_apns_push_queue_length{${notifications}})`, legend: "in memory" },
            { expr: `sum (sluice_notifications_pushes_running{${notifications}})`, legend: "under way" },
          ],
        },
        {
          title: "Verification and periodic pushes",
          unit: "cps",
          curves: [
            { expr: rate("simplex_ntf_notifications_verification_delivered", notifications), legend: "verification" },
            {
              expr: rate("simplex_ntf_notifications_verification_failed", notifications),
              legend: "verification failed",
            },
            { expr: rate("simplex_ntf_notifications_periodic_delivered", notifications), legend: "periodic" },
            { expr: rate("simplex_ntf_notifications_periodic_failed", notifications), legend: "periodic failed" },
          ],
        },
      ],
    },
    {
      title: "Relays",
      panels: [
        {
          title: "Relays by state",
          unit: "short",
          curves: [{ expr: `sum by (state) (sluice_notifications_relays{${notifications}})`, legend: "{{state}}" }],
        },
        {
          title: "Subscriptions",
          unit: "short",
          curves: [
            { expr: `sum (simplex_ntf_smp_subscription_active_sub_count_other{${notifications}})`, legend: "made" },
            { expr: `sum (simplex_ntf_smp_subscription_pending_sub_count_other{${notifications}})`, legend: "waiting" },
          ],
        },
        {
          title: "Registrations",
          unit: "cps",
          curves: [
            { expr: rate("simplex_ntf_tokens_created", notifications), legend: "created" },
            { expr: rate("simplex_ntf_tokens_verified", notifications), legend: "verified" },
            { expr: rate("simplex_ntf_tokens_deleted", notifications), legend: "deleted" },
          ],
        },
      ],
    },
    connectionsRow("notifications"),
    processRow("notifications"),
  ],
}

/** The pages for links. */
export const linksDashboard: Dashboard = {
  uid: "sluice-links",
  title: "Sluice links",
  job: "links",
  rows: [
    {
      title: "At a glance",
      panels: [
        single("Servers up", `sum (up{${links}})`),
        single("Connections", `sum (sluice_links_connections{${links}})`),
        single("Links in memory", `sum (sluice_links_cached{${links}})`),
        single("Memory of these", `sum (sluice_links_cached_bytes{${links}})`, "bytes"),
      ],
    },
    {
      title: "Requests",
      panels: [
        {
          title: "Requests",
          unit: "reqps",
          curves: [{ expr: rate("sluice_links_requests_total", links, ["page"]), legend: "{{page}}" }],
        },
        {
          title: "Previews",
          unit: "reqps",
          curves: [{ expr: rate("sluice_links_previews_total", links, ["outcome"]), legend: "{{outcome}}" }],
        },
        { title: "Time of a preview", unit: "s", curves: quantiles("sluice_links_preview_seconds", links) },
        {
          title: "Asking relays",
          unit: "short",
          curves: [
            { expr: `sum (sluice_links_fetching{${links}})`, legend: "under way" },
            { expr: `sum (sluice_links_waiting{${links}})`, legend: "waiting" },
          ],
        },
      ],
    },
    processRow("links"),
  ],
}
