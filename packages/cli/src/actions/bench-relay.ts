import { writeFile } from "node:fs/promises"
import type { ServerAddress } from "@sluice/encoding/server-address"
import { latencyPlot } from "@sluice/load/latency-plot"
import type { Auth } from "@sluice/load/load-queue"
import type { LoadResult, Mode } from "@sluice/load/report"
import { type LoadOptions, runLoad } from "@sluice/load/run"
import { reportTable } from "@sluice/load/table"
import { checkTarget } from "@sluice/load/target"
import { OperatorError, quoteValue } from "@sluice/ops/operator-error"
import { restarting } from "../bench/restarting.ts"
import { withServer } from "../client-failure.ts"
import { printData, printJson } from "../output.ts"
import type { GlobalOptions } from "../place.ts"
import { parseAddress, serverArgument } from "../server-argument.ts"

/** Options that only some modes have. Times in milliseconds. */
interface ModeOptions {
  readonly seconds?: number
  readonly count?: number
  readonly pairs?: number
  readonly window?: number
  readonly body?: number
  readonly rate?: number
  readonly proxy?: string
  readonly warmUp?: number
  readonly parallel?: number
  readonly perBlock?: number
  readonly keep?: true
  readonly connections?: number
  readonly subscriptions?: number
  readonly settle?: number
  readonly command?: string
}

/** Options of `sluice bench relay`. */
export interface BenchRelayOptions extends GlobalOptions, ModeOptions {
  readonly mode: Mode
  readonly auth: Auth
  readonly smpVersion: number
  readonly pid?: number
  /** Milliseconds. */
  readonly timeout: number
  readonly allowRemote?: true
  readonly json?: true
  readonly svg?: string
}

/** `sluice bench relay` */
export async function benchRelay(text: string | undefined, options: BenchRelayOptions): Promise<void> {
  refuseOtherModes(options)
  const server = await serverArgument(text, options)
  const proxy = options.proxy === undefined ? undefined : parseAddress(options.proxy, "--proxy")
  for (const target of [server, proxy]) if (target !== undefined) checkTarget(target, options.allowRemote === true)
  const result = await withServer(server, () => runLoad(loadOptions(server, proxy, options)))
  if (options.svg !== undefined) await writePlot(options.svg, result)
  if (options.json) printJson(result.report)
  else printData(reportTable(result.report))
}

const OPTIONS_OF_MODES: Readonly<Record<Mode, readonly (keyof ModeOptions)[]>> = {
  messages: ["seconds", "count", "pairs", "window", "body", "rate", "proxy", "warmUp"],
  connect: ["count", "parallel"],
  queues: ["count", "perBlock", "connections", "keep"],
  subscribe: ["connections", "subscriptions"],
  idle: ["connections", "subscriptions", "settle"],
  restart: ["count", "command"],
}

/** An option that would have no effect is a misunderstanding about what is measured. */
function refuseOtherModes(options: BenchRelayOptions): void {
  const own = OPTIONS_OF_MODES[options.mode]
  const other = Object.values(OPTIONS_OF_MODES)
    .flat()
    .find((name) => options[name] !== undefined && !own.includes(name))
  if (other === undefined) return
  const allowed = own.map(flag).join(", ")
  throw new OperatorError(`${flag(other)} is not an option of --mode ${options.mode}, which has: ${allowed}`)
}

function flag(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}

function loadOptions(server: ServerAddress, proxy: ServerAddress | undefined, options: BenchRelayOptions): LoadOptions {
  const { mode, auth, pid, smpVersion: version, timeout: timeoutMs, count, connections, subscriptions } = options
  const common = { server, version, timeoutMs, auth, pid }
  switch (mode) {
    case "messages":
      return {
        ...{ ...common, mode, proxy },
        pairs: options.pairs ?? 32,
        window: options.window ?? (options.rate === undefined ? 1 : 32),
        bodyLength: options.body ?? 16_048,
        rate: options.rate,
        warmUp: options.warmUp ?? 20,
        count: count ?? Number.POSITIVE_INFINITY,
        durationMs: options.seconds ?? (count === undefined ? 10_000 : Number.POSITIVE_INFINITY),
      }
    case "connect":
      return { ...common, mode, count: count ?? 200, parallel: options.parallel ?? 16 }
    case "queues": {
      const { perBlock = 20, keep = false } = options
      return { ...common, mode, count: count ?? 2000, perBlock, connections: connections ?? 4, keep }
    }
    case "subscribe":
      return { ...common, mode, subscriptions: subscriptions ?? 10_000, connections: connections ?? 100 }
    case "idle": {
      const { settle: settleMs = 2000 } = options
      return { ...common, mode, connections: connections ?? 1000, subscriptions: subscriptions ?? 1, settleMs }
    }
    case "restart":
      return { ...common, mode, count: count ?? 2000, restart: restarting(pid, options.command) }
  }
}

async function writePlot(file: string, { report, parts }: LoadResult): Promise<void> {
  const lines = parts.flatMap((part) =>
    Array.from(part.latencies, ([name, histogram]) => {
      return { name: parts.length === 1 ? name : `${part.report.name}: ${name}`, histogram }
    }),
  )
  const title = `${report.mode}, version ${report.version}: share done within a time (p50 / p90 / p99)`
  try {
    await writeFile(file, latencyPlot(title, lines))
  } catch (error) {
    throw new OperatorError(`--svg: cannot write ${quoteValue(file)}`, { cause: error })
  }
}
