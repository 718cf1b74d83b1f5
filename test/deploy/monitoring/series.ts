/** Labels and values of every series of a text in Prometheus' format, by metric. */
export type Series = ReadonlyMap<string, readonly Readonly<Record<string, string>>[]>

/** Reads what a service serves at `/metrics`. Labels are as Prometheus keeps them: `job` of a metric is `exported_job`. */
export function readSeries(text: string): Series {
  const series = new Map<string, Record<string, string>[]>()
  for (const [, name = "", labels = ""] of text.matchAll(/^([a-z_][a-z0-9_]*)(?:\{(.*)\})? \S+$/gim)) {
    const pairs = Array.from(labels.matchAll(/(\w+)="([^"]*)"/g), ([, label = "", value = ""]) => {
      return [["job", "instance"].includes(label) ? `exported_${label}` : label, value] as const
    })
    const known = series.get(name) ?? []
    known.push(Object.fromEntries(pairs))
    series.set(name, known)
  }
  return series
}

/** What Prometheus itself says of every target. */
export const OF_PROMETHEUS: Series = new Map([["up", [{}]]])

/** What redis_exporter serves, as far as it is used here. */
export const OF_REDIS_EXPORTER: Series = new Map(
  [
    "redis_up",
    "redis_connected_clients",
    "redis_connected_slaves",
    "redis_memory_used_bytes",
    "redis_memory_max_bytes",
    "redis_db_keys",
    "redis_evicted_keys_total",
    "redis_commands_processed_total",
    "redis_net_input_bytes_total",
    "redis_net_output_bytes_total",
    "redis_aof_enabled",
    "redis_aof_last_write_status",
    "redis_cpu_user_seconds_total",
    "redis_cpu_sys_seconds_total",
  ].map((name) => [name, [{}]]),
)
