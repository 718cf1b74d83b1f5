import { cpus, loadavg } from "node:os"

/** The machine, and how busy it was: nothing here means much without them. */
export function conditions(): string {
  const load = loadavg()
    .map((value) => value.toFixed(1))
    .join(" ")
  return `${cpus()[0]?.model}, ${cpus().length} cores, Node ${process.version}, load ${load}`
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

export function shown(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3)
}

/** A line of a table: what it is, the median, and what it was made of. */
export function row(name: string, values: readonly number[]): string {
  return `| ${name} | ${shown(median(values))} | ${values.map(shown).join(", ")} |`
}
