// Families of the Prometheus client whose values are not stored by it but asked for when scraped. One family may have
// several sources, told apart by constant labels: two services in one process share the names of their metrics.
import { Counter, Gauge, Histogram, type Registry } from "prom-client"

/** Label values of one time series. */
export type Labels = Readonly<Record<string, string>>

/** One value at the time of a scrape. */
export interface Sample {
  readonly value: number
  readonly labels: Labels
  /** Differs from the family's name for the parts of a histogram. */
  readonly metricName?: string
}

/** Gives the present values of some time series of a family. */
export type Source = () => Iterable<Sample>

export type MetricType = "counter" | "gauge" | "histogram"

/** A family that is registered. */
export interface Family {
  readonly type: MetricType
  readonly help: string
  readonly sources: Source[]
}

/**
 * Registers a family without sources.
 * @param onError told when a source throws; its series are then missing from that scrape, all others are there
 */
export function createFamily(
  registry: Registry,
  type: MetricType,
  name: string,
  help: string,
  onError: (error: unknown) => void,
): Family {
  const sources: Source[] = []
  const config = { name, help, registers: [registry], sources, onError }
  switch (type) {
    case "counter":
      new CounterFamily(config)
      break
    case "gauge":
      new GaugeFamily(config)
      break
    case "histogram":
      new HistogramFamily(config)
      break
    default:
      throw new TypeError(`no metric type ${type satisfies never}`)
  }
  return { type, help, sources }
}

interface FamilyConfig {
  readonly name: string
  readonly help: string
  readonly registers: Registry[]
  readonly sources: readonly Source[]
  readonly onError: (error: unknown) => void
}

function collect({ sources, onError }: FamilyConfig): { value: number; labels: Labels; metricName?: string }[] {
  return sources.flatMap((source) => {
    try {
      return [...source()]
    } catch (error) {
      onError(error)
      return []
    }
  })
}

class CounterFamily extends Counter {
  readonly #config: FamilyConfig

  constructor(config: FamilyConfig) {
    super({ name: config.name, help: config.help, registers: config.registers })
    this.#config = config
  }

  override async get(): ReturnType<Counter["get"]> {
    return { ...(await super.get()), values: collect(this.#config) }
  }
}

class GaugeFamily extends Gauge {
  readonly #config: FamilyConfig

  constructor(config: FamilyConfig) {
    super({ name: config.name, help: config.help, registers: config.registers })
    this.#config = config
  }

  override async get(): ReturnType<Gauge["get"]> {
    return { ...(await super.get()), values: collect(this.#config) }
  }
}

class HistogramFamily extends Histogram {
  readonly #config: FamilyConfig
  /** An unregistered one of the same name, asked for all but the values: the base class's own `get` calls the method below. */
  readonly #head: Histogram

  constructor(config: FamilyConfig) {
    super({ name: config.name, help: config.help, registers: config.registers })
    this.#config = config
    this.#head = new Histogram({ name: config.name, help: config.help, registers: [] })
  }

  override async get(): ReturnType<Histogram["get"]> {
    return { ...(await this.#head.get()), values: collect(this.#config) }
  }

  /** The registry renders histograms through this one, which the library's types do not know. */
  getForPromString(): ReturnType<Histogram["get"]> {
    return this.get()
  }
}
