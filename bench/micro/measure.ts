/** Median, 10th and 90th percentile of the samples, microseconds. */
export interface Figure {
  readonly median: number
  readonly low: number
  readonly high: number
}

const ROUNDS = 11
const ROUND_MILLISECONDS = 25

/** CPU time of a synchronous operation: rounds of about 25 ms, the first two to warm up. */
export function measure(run: () => unknown): Figure {
  const samples: number[] = []
  for (let round = -2; round < ROUNDS; round++) {
    const started = performance.now()
    const cpu = process.cpuUsage()
    let runs = 0
    while (performance.now() - started < ROUND_MILLISECONDS) {
      for (let i = 0; i < 4; i++) run()
      runs += 4
    }
    const { user, system } = process.cpuUsage(cpu)
    if (round >= 0) samples.push((user + system) / runs)
  }
  return figureOf(samples)
}

/** CPU time of the process per operation, with many of them at once; for work that leaves the event loop. */
export async function measureCpu(
  count: number,
  inFlight: number,
  run: (i: number) => Promise<unknown>,
): Promise<Figure> {
  const samples: number[] = []
  for (let round = -1; round < 5; round++) {
    let next = 0
    const cpu = process.cpuUsage()
    await Promise.all(
      Array.from({ length: inFlight }, async () => {
        while (next < count) await run(next++)
      }),
    )
    const { user, system } = process.cpuUsage(cpu)
    if (round >= 0) samples.push((user + system) / count)
  }
  return figureOf(samples)
}

/** What samples amount to. */
export function figureOf(samples: number[]): Figure {
  samples.sort((a, b) => a - b)
  const at = (part: number): number => samples[Math.floor(part * (samples.length - 1))] ?? Number.NaN
  return { median: at(0.5), low: at(0.1), high: at(0.9) }
}
