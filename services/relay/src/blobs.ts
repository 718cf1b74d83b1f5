import type { Job } from "@sluice/ops/jobs"
import { duration, flag, integer } from "@sluice/ops/kinds"
import type { MetricsRegister } from "@sluice/ops/metrics"
import { OperatorError } from "@sluice/ops/operator-error"
import { type Group, group, type Setting, setting } from "@sluice/ops/settings"
import { type BlobStore, blobsOf } from "@sluice/queue-store/blob-store"
import type { QueueStore, Step } from "@sluice/queue-store/queue-store"
import { type RelayContext, seconds } from "./context.ts"

/** Settings of the blob store (docs/blob-links.md). */
export interface BlobConfig {
  readonly enabled: boolean
  readonly maxCount: number
  /** Milliseconds, like the next. */
  readonly ttl: number
  readonly checkInterval: number
}

/** `[blobs]` */
export const blobSettings: Group<{ readonly [N in keyof BlobConfig]: Setting<BlobConfig[N]> }> = group(
  "The network's first design for short links: blobs that belong to no queue. See docs/blob-links.md before enabling.",
  {
    enabled: setting(flag(), {
      default: false,
      help: "Whether clients may store blobs; otherwise the commands are unknown, as in other servers.",
    }),
    maxCount: setting(integer({ min: 1, max: 100_000_000 }), {
      default: 10_000,
      help: "Blobs that are kept at the most, 16 KiB each; further ones are refused.",
    }),
    ttl: setting(duration({ min: "10ms" }), {
      default: "90d",
      help: "How long a blob is kept after it was last written; nothing else tells that nobody needs it any more.",
    }),
    checkInterval: setting(duration({ min: "10ms" }), { default: "2h", help: "How often old blobs are looked for." }),
  },
)

/** The blobs of a relay that offers them. */
export interface RelayBlobs {
  readonly store: BlobStore
  readonly maxCount: number
  /** Seconds. */
  readonly ttl: number
  /** Milliseconds. */
  readonly checkInterval: number
  readonly figures: BlobFigures
}

/** What is counted; `stored` is as of the last look. */
export interface BlobFigures {
  stored: number
  written: number
  read: number
  /** Writes beyond the limit. */
  refused: number
}

/** Blobs that one step of expiry looks at. */
const STEP = 200

/** Checks settings that are fine by themselves against each other. Throws `OperatorError`. */
export function checkBlobs({ enabled }: BlobConfig, hasPassword: boolean): void {
  if (!(enabled && hasPassword)) return
  // WRT has no place for a password: strangers could store what the password is to keep them from storing.
  throw new OperatorError("blobs.enabled: true is not allowed together with relay.password; allowed: one of both")
}

/** The blobs that the settings ask for. Throws `OperatorError` for a store that keeps none. */
export function relayBlobs(config: BlobConfig, store: QueueStore): RelayBlobs | undefined {
  if (!config.enabled) return undefined
  const blobs = blobsOf(store)
  if (blobs === undefined) {
    throw new OperatorError("blobs.enabled: true is not allowed with this store; allowed: false")
  }
  const { maxCount, ttl, checkInterval } = config
  const figures = { stored: 0, written: 0, read: 0, refused: 0 }
  return { store: blobs, maxCount, ttl: ttl / 1000, checkInterval, figures }
}

/** Removes what was not written for long. */
export function blobJobs(relay: RelayContext): Job[] {
  const { blobs } = relay
  if (blobs === undefined) return []
  const run = async (signal: AbortSignal): Promise<void> => {
    const before = seconds(relay.clock) - blobs.ttl
    let step: Step = {}
    do {
      signal.throwIfAborted()
      step = await blobs.store.expireBlobs({ before, limit: STEP, ...(step.cursor && { cursor: step.cursor }) })
    } while (step.cursor !== undefined)
    blobs.figures.stored = await blobs.store.countBlobs()
  }
  return [{ name: "expire-blobs", scope: "fleet", makesRoom: true, every: blobs.checkInterval, firstAfter: 0, run }]
}

/** Registers what is counted, zeros where blobs are off. */
export function registerBlobMetrics(register: MetricsRegister, blobs: RelayBlobs | undefined): void {
  const figure = (name: keyof BlobFigures) => (): number => blobs?.figures[name] ?? 0
  register.gaugeFrom({ name: "sluice_blobs", help: "Blobs stored, as of the last look" }, figure("stored"))
  register.counterFrom({ name: "sluice_blobs_written_total", help: "Blobs written" }, figure("written"))
  register.counterFrom({ name: "sluice_blobs_read_total", help: "Blobs read" }, figure("read"))
  register.counterFrom({ name: "sluice_blobs_refused_total", help: "Blobs refused at the limit" }, figure("refused"))
}
