import type { Dashboard } from "./dashboard.ts"
import { chosen, rate, single } from "./parts.ts"

const labels = chosen("redis")

/** Redis, as redis_exporter tells of it. */
export const redisDashboard: Dashboard = {
  uid: "sluice-redis",
  title: "Sluice Redis",
  job: "redis",
  rows: [
    {
      title: "At a glance",
      panels: [
        single("Servers up", `sum (redis_up{${labels}})`),
        single("Clients", `sum (redis_connected_clients{${labels}})`),
        single("Replicas", `sum (redis_connected_slaves{${labels}})`),
        single("Memory", `sum (redis_memory_used_bytes{${labels}})`, "bytes"),
        single("Keys", `sum (redis_db_keys{${labels}})`),
        single("Keys thrown away", `sum (redis_evicted_keys_total{${labels}})`),
      ],
    },
    {
      title: "Work",
      panels: [
        {
          title: "Commands",
          unit: "cps",
          curves: [{ expr: rate("redis_commands_processed_total", labels, ["instance"]), legend: "{{instance}}" }],
        },
        {
          title: "Memory",
          unit: "bytes",
          curves: [
            { expr: `redis_memory_used_bytes{${labels}}`, legend: "{{instance}} used" },
            { expr: `redis_memory_max_bytes{${labels}} > 0`, legend: "{{instance}} limit" },
          ],
        },
        {
          title: "Network",
          unit: "Bps",
          curves: [
            { expr: rate("redis_net_input_bytes_total", labels), legend: "in" },
            { expr: rate("redis_net_output_bytes_total", labels), legend: "out" },
          ],
        },
        {
          title: "Durability",
          help: "1 is good.",
          unit: "short",
          curves: [
            { expr: `redis_aof_enabled{${labels}}`, legend: "{{instance}} append-only file" },
            { expr: `redis_aof_last_write_status{${labels}}`, legend: "{{instance}} last write" },
          ],
        },
        {
          title: "Processor time",
          unit: "percentunit",
          curves: [
            {
              expr: `${rate("redis_cpu_user_seconds_total", labels, ["instance"])} + ${rate("redis_cpu_sys_seconds_total", labels, ["instance"])}`,
              legend: "{{instance}}",
            },
          ],
        },
      ],
    },
  ],
}
