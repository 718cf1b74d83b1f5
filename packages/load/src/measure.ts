import { type ProcessFigures, processFigures } from "./process-figures.ts"
import { Recorder } from "./recorder.ts"
import type { CpuReport, MeasuredPart, ServerReport } from "./report.ts"

/** A part of a run: what it is called, what it counts, and the server's process if it is known. */
export interface PartOptions {
  readonly name: string
  readonly unit: string
  readonly pid?: number | undefined
}

/** Measures `work`, which counts what it does in the recorder; `settle` runs before memory is read the second time. */
export async function measurePart(
  { name, unit, pid }: PartOptions,
  work: (recorder: Recorder) => Promise<void>,
  settle?: () => Promise<void>,
): Promise<MeasuredPart> {
  const recorder = new Recorder()
  const serverBefore = pid === undefined ? undefined : processFigures(pid)
  const clientBefore = process.cpuUsage()
  const begun = performance.now()
  await work(recorder)
  const seconds = (performance.now() - begun) / 1000
  const { user, system } = process.cpuUsage(clientBefore)
  const serverAfter = pid === undefined ? undefined : processFigures(pid)
  await settle?.()
  const settled = pid === undefined || settle === undefined ? serverAfter : processFigures(pid)
  const { done: count, errors, latencies } = recorder
  const report = {
    name,
    unit,
    count,
    seconds,
    perSecond: seconds === 0 ? 0 : count / seconds,
    errors: Object.fromEntries(errors),
    latencies: Object.fromEntries(Array.from(latencies, ([key, histogram]) => [key, histogram.summary()])),
    client: cpuReport((user + system) / 1e6, count, seconds),
    ...(serverBefore &&
      serverAfter &&
      settled && { server: serverReport(serverBefore, serverAfter, settled, count, seconds) }),
  }
  return { report, latencies }
}

function cpuReport(cpuSeconds: number, count: number, seconds: number): CpuReport {
  return { cpuSeconds, cpuPerThousand: perUnit(cpuSeconds * 1000, count), cores: perUnit(cpuSeconds, seconds) }
}

function serverReport(
  before: ProcessFigures,
  after: ProcessFigures,
  settled: ProcessFigures,
  count: number,
  seconds: number,
): ServerReport {
  return {
    ...cpuReport(after.cpuSeconds - before.cpuSeconds, count, seconds),
    rssBefore: before.rss,
    rssAfter: settled.rss,
    rssPeak: settled.rssPeak,
    rssPerUnit: Math.round(perUnit(settled.rss - before.rss, count)),
  }
}

function perUnit(amount: number, units: number): number {
  return units === 0 ? 0 : amount / units
}
