import { Registry } from "prom-client"
import { createFamily, type Family, type Labels, type MetricType, type Sample, type Source } from "./metric-families.ts"
import { type PlainCounter, type PlainGauge, PlainHistogram } from "./plain-metrics.ts"

/** Name and meaning of a metric. Names end in their unit (`_seconds`, `_bytes`) and, for counters, in `_total`. */
export interface MetricOptions {
  readonly name: string
  readonly help: string
}

/** A metric split by labels whose values are all known in advance; nothing that comes from a client can be one. */
export interface LabelledOptions<L extends LabelValues> extends MetricOptions {
  readonly labels: L
}

/** The possible values of each label. */
export type LabelValues = Readonly<Record<string, readonly string[]>>

/** One value per label. */
export type LabelChoice<L extends LabelValues> = { readonly [N in keyof L]: L[N][number] }

/** Counters of one name, told apart by labels. Fetch the ones a hot path needs once, at the start. */
export interface CounterFamily<L extends LabelValues> {
  /** The counter for these label values; the same object every time. */
  with(labels: LabelChoice<L>): PlainCounter
}

/** Where a package registers its metrics: `createXMetrics(register: MetricsRegister)` in every package that has some. */
export interface MetricsRegister {
  counter(options: MetricOptions): PlainCounter
  /** Counters for every combination of the label values, all present from the start at 0. */
  counters<const L extends LabelValues>(options: LabelledOptions<L>): CounterFamily<L>
  gauge(options: MetricOptions): PlainGauge
  /** A gauge that is read when scraped: one number, or numbers with labels taken from the configuration. */
  gaugeFrom(options: MetricOptions, read: () => number | Iterable<readonly [Labels, number]>): void
  /** A counter that is read when scraped, for counts that something else keeps. */
  counterFrom(options: MetricOptions, read: () => number): void
  /** @param options.buckets upper edges in ascending order, in the unit of the name */
  histogram(options: MetricOptions & { readonly buckets: readonly number[] }): PlainHistogram
  /** The same register, with these labels on everything registered through it. */
  labelled(labels: Labels): MetricsRegister
}

/** The metrics of a process. */
export class Metrics {
  /** The client library's registry, for libraries that bring metrics of their own. */
  readonly registry: Registry = new Registry()
  /** The register without constant labels. */
  readonly register: MetricsRegister
  readonly #families = new Map<string, Family>()
  readonly #series = new Set<string>()

  #collectErrors = 0

  constructor() {
    this.register = new LabelledRegister(this, {})
    this.register.counterFrom(
      { name: "sluice_metrics_collect_errors_total", help: "Metrics that could not be read when scraped" },
      () => this.#collectErrors,
    )
  }

  /** All metrics in the Prometheus text format. */
  render(): Promise<string> {
    return this.registry.metrics()
  }

  /** The media type of {@link render}. */
  get contentType(): string {
    return this.registry.contentType
  }

  /** Adds time series to a family, which is created by the first. For {@link LabelledRegister}. */
  addSource(type: MetricType, { name, help }: MetricOptions, labels: Labels, source: Source): void {
    const series = `${name}${JSON.stringify(Object.entries(labels).toSorted())}`
    if (this.#series.has(series)) throw new Error(`the metric ${name} is registered already`)
    let family = this.#families.get(name)
    if (family === undefined) {
      family = createFamily(this.registry, type, name, help, () => {
        this.#collectErrors++
      })
      this.#families.set(name, family)
    }
    if (family.type !== type || family.help !== help) throw new Error(`the metric ${name} has two meanings`)
    this.#series.add(series)
    family.sources.push(source)
  }
}

class LabelledRegister implements MetricsRegister {
  readonly #metrics: Metrics
  readonly #labels: Labels

  constructor(metrics: Metrics, labels: Labels) {
    this.#metrics = metrics
    this.#labels = labels
  }

  counter(options: MetricOptions): PlainCounter {
    return this.#plain("counter", options)
  }

  counters<const L extends LabelValues>({ labels, ...options }: LabelledOptions<L>): CounterFamily<L> {
    const all = new Map<string, PlainCounter>()
    for (const choice of combinations(labels)) {
      all.set(labelKey(labels, choice), this.#plain("counter", options, choice))
    }
    return {
      with: (choice) => {
        const counter = all.get(labelKey(labels, choice))
        if (counter === undefined) throw new RangeError(`${options.name} has no such label values`)
        return counter
      },
    }
  }

  gauge(options: MetricOptions): PlainGauge {
    return this.#plain("gauge", options)
  }

  gaugeFrom(options: MetricOptions, read: () => number | Iterable<readonly [Labels, number]>): void {
    this.#metrics.addSource("gauge", options, this.#labels, () => {
      const values = read()
      if (typeof values === "number") return [{ value: values, labels: this.#labels }]
      return Array.from(values, ([labels, value]) => ({ value, labels: { ...this.#labels, ...labels } }))
    })
  }

  counterFrom(options: MetricOptions, read: () => number): void {
    this.#metrics.addSource("counter", options, this.#labels, () => [{ value: read(), labels: this.#labels }])
  }

  histogram({ buckets, ...options }: MetricOptions & { readonly buckets: readonly number[] }): PlainHistogram {
    const histogram = new PlainHistogram(buckets)
    const labels = this.#labels
    this.#metrics.addSource("histogram", options, labels, () => histogramSamples(options.name, histogram, labels))
    return histogram
  }

  labelled(labels: Labels): MetricsRegister {
    return new LabelledRegister(this.#metrics, { ...this.#labels, ...labels })
  }

  #plain(type: MetricType, options: MetricOptions, own: Labels = {}): { value: number } {
    const plain = { value: 0 }
    const labels = { ...this.#labels, ...own }
    this.#metrics.addSource(type, options, labels, () => [{ value: plain.value, labels }])
    return plain
  }
}

function* histogramSamples(name: string, histogram: PlainHistogram, labels: Labels): Generator<Sample> {
  let cumulative = 0
  for (const [index, count] of histogram.counts.entries()) {
    cumulative += count
    const edge = histogram.edges[index]
    const le = edge === undefined ? "+Inf" : String(edge)
    yield { metricName: `${name}_bucket`, value: cumulative, labels: { ...labels, le } }
  }
  yield { metricName: `${name}_sum`, value: histogram.sum, labels }
  yield { metricName: `${name}_count`, value: cumulative, labels }
}

function combinations(labels: LabelValues): Labels[] {
  return Object.entries(labels).reduce<Labels[]>(
    (choices, [name, values]) => choices.flatMap((choice) => values.map((value) => ({ ...choice, [name]: value }))),
    [{}],
  )
}

function labelKey(labels: LabelValues, choice: Labels): string {
  return JSON.stringify(Object.keys(labels).map((name) => choice[name]))
}
