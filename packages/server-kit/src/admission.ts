import type { Clock } from "@sluice/ops/clock"
import { RateLimiter } from "@sluice/ops/rate-limiter"
import type { Refusal } from "./server-metrics.ts"
import type { ServerSettings } from "./server-settings.ts"

/** Sources whose rate is remembered at the most; each takes about 100 bytes. */
const MAX_SOURCES = 100_000
const MINUTE = 60

/**
 * Who may connect: connections of the process and of each source, and the rate of new ones. Sources are kept in memory
 * while they have connections, and are never logged or exported.
 */
export class Admission {
  readonly #settings: ServerSettings
  readonly #rates: RateLimiter | undefined
  readonly #perSource = new Map<string, number>()
  #connections = 0

  constructor(settings: ServerSettings, clock: Clock) {
    this.#settings = settings
    const { newPerSourcePerMinute, newPerSourceBurst: burst } = settings
    this.#rates =
      newPerSourcePerMinute === undefined
        ? undefined
        : new RateLimiter({ perSecond: newPerSourcePerMinute / MINUTE, burst, maxKeys: MAX_SOURCES }, clock)
  }

  /** Counts a connection in, or says which limit refuses it: before its source is known, which may take time. */
  enter(): Refusal | undefined {
    if (this.#connections >= this.#settings.maxConnections) return "connections"
    this.#connections++
    return undefined
  }

  /** Counts a connection out that {@link enter} let in. */
  leave(): void {
    this.#connections--
  }

  /** Counts a connection in for its source, or says which limit refuses it. */
  enterSource(source: string): Refusal | undefined {
    const { maxPerSource } = this.#settings
    const present = this.#perSource.get(source) ?? 0
    if (maxPerSource !== undefined && present >= maxPerSource) return "per_source"
    if (this.#rates?.take(source) === false) return "source_rate"
    if (maxPerSource !== undefined) this.#perSource.set(source, present + 1)
    return undefined
  }

  /** Counts a connection out that {@link enterSource} let in. */
  leaveSource(source: string): void {
    const present = this.#perSource.get(source)
    if (present === undefined) return
    if (present > 1) this.#perSource.set(source, present - 1)
    else this.#perSource.delete(source)
  }
}

/** What limits count as one source: an IPv4 address, also when it comes mapped into IPv6, or an IPv6 /64 network. */
export function sourceOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (mapped !== undefined) return mapped
  if (!address.includes(":")) return address
  const [plain = ""] = address.split("%")
  const [head = "", tail] = plain.split("::")
  const groups = head === "" ? [] : head.split(":")
  const rest = tail === undefined || tail === "" ? [] : tail.split(":")
  const full = tail === undefined ? groups : [...groups, ...zeros(8 - groups.length - rest.length), ...rest]
  return `${full.slice(0, 4).join(":")}::/64`
}

function zeros(count: number): string[] {
  return new Array<string>(Math.max(0, count)).fill("0")
}
