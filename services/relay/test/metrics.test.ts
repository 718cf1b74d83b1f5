import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { Metrics } from "@sluice/ops/metrics"
import { NO_COUNTS } from "@sluice/queue-store/queue-store"
import { beforeAll, describe, expect, it } from "vitest"
import { DeliveryLevels } from "../src/delivery-levels.ts"
import { registerRelayMetrics } from "../src/metrics.ts"
import { numbersOf } from "../src/numbers.ts"
import type { Statistics } from "../src/statistics.ts"
import { allMetrics, familiesOf } from "./all-metrics.ts"
import { coreFixture } from "./core-fixture.ts"
import { LEFT_OUT, LEFT_OUT_SERIES, REFERENCE_METRICS } from "./reference-metrics.ts"

const PREFIX = "simplex_smp_"

let served: string

beforeAll(async () => {
  served = await allMetrics()
})

describe("the reference's metrics", () => {
  const expected = REFERENCE_METRICS.filter(({ name }) => !LEFT_OUT.has(name))

  it("are all served under their names and types, except for those that are left out on purpose", () => {
    expect(REFERENCE_METRICS).toHaveLength(112)
    const own = [...familiesOf(served)].filter(([name]) => name.startsWith(PREFIX))
    const names = expected.map(({ name, type }) => [PREFIX + name, type])
    expect(own.toSorted()).toEqual(names.toSorted())
    for (const name of LEFT_OUT.keys()) expect(REFERENCE_METRICS.map((metric) => metric.name)).toContain(name)
  })

  it("have their labels", () => {
    const missing: string[] = []
    for (const { name, type, labels } of expected) {
      const [first, second] = Object.entries(labels)
      const series = type === "histogram" ? `${name}_bucket` : name
      for (const one of first === undefined ? [""] : choices(first)) {
        for (const two of second === undefined ? [""] : choices(second)) {
          const shown = [one, two].filter((label) => label !== "").join(",")
          const pattern = new RegExp(`^${PREFIX}${series}${shown === "" ? "" : `\\{${shown}\\}`} `, "m")
          if (!pattern.test(served)) missing.push(`${name}${shown === "" ? "" : `{${shown}}`}`)
        }
      }
    }
    expect(missing).toEqual([...LEFT_OUT_SERIES.keys()])
  })

  /** The label with each of its values, as patterns; any value where only a running server knows it. */
  function choices([label, values]: readonly [string, readonly string[]]): string[] {
    if (values.length === 0) return [`${label}="[^"]*"`]
    return values.map((value) => `${label}="${value.replace("+", "\\+")}"`)
  }
})

describe("what is served", () => {
  const samples = async (set: (statistics: Statistics) => void): Promise<string> => {
    const { relay } = coreFixture()
    const { register, render } = bound(new Metrics())
    const counts = { ...NO_COUNTS, queues: 5, notifiers: 4, messageServices: 3, notificationServiceQueues: 2 }
    const sockets = [{ port: 5223, accepted: 9, closed: 4, active: 3 }]
    const levels = new DeliveryLevels(relay)
    registerRelayMetrics(register, { ...relay, levels, version: "1.2", counts: () => counts, sockets: () => sockets })
    set(relay.statistics)
    return render()
  }

  function bound(metrics: Metrics) {
    return { register: metrics.register, render: () => metrics.render() }
  }

  it("has every counter once", async () => {
    let next = 1_000_000
    const numbers: number[] = []
    const number = (group: object): void => {
      for (const name of Object.keys(numbersOf(group))) {
        numbers.push(++next)
        Object.assign(group, { [name]: next })
      }
    }
    const text = await samples((statistics) => {
      for (const { rcvServices, ntfServices, names } of [statistics]) {
        for (const group of [statistics, rcvServices, ntfServices, names]) number(group)
      }
    })
    const shown = Array.from(text.matchAll(/ (1\d{6})$/gm), ([, value]) => Number(value))
    expect(shown.toSorted()).toEqual(numbers)
  })

  it("is what its name says", async () => {
    const lines = await samples((statistics) => {
      statistics.qDeletedSecured = 31
      statistics.msgSentBlock = 32
      statistics.ntfNewCreated = 33
      statistics.rcvServices.subMoreTotal = 34
      statistics.names.resolverErrors = 35
      statistics.active.add(new Uint8Array(24).fill(1))
      statistics.activeNtf.add(new Uint8Array(24).fill(1))
      for (const seconds of [0.5, 4.2, 61, 200, 5000]) statistics.deliveryAcknowledged(seconds * 1000)
    })
    for (const line of [
      'queues_deleted{type="secured"} 31',
      'messages_sent_errors{type="block"} 32',
      "queues_notify_new_created 33",
      "rcv_services_sub_more_total 34",
      "names_resolver_errs 35",
      "queues_daily 1",
      "queues_notify_monthly 1",
      "queues_total1 5",
      "queues_notify_total2 4",
      "rcv_services_count 3",
      "ntf_services_queues_count 2",
      'sockets_active{port="5223"} 3',
      'sockets_leaked{port="5223"} 2',
      'info{version="1.2",rts_options=""} 1',
      'delivery_ack_confirmed_count{period="60-300"} 2',
      'delivery_ack_confirmed_count{period="3600+"} 1',
      'delivery_ack_confirmed_time_bucket{le="1"} 1',
      'delivery_ack_confirmed_time_bucket{le="5"} 2',
      'delivery_ack_confirmed_time_bucket{le="+Inf"} 5',
    ]) {
      expect(lines).toContain(`\n${PREFIX}${line}\n`)
    }
  })
})

describe("docs/metrics.md", () => {
  it("describes every metric that is served, and no other", async () => {
    const text = await readFile(join(import.meta.dirname, "../../../docs/metrics.md"), "utf8")
    const rows = Array.from(text.matchAll(/^\| `([a-z0-9_]+)` +\|/gm), ([, name]) => name)
    const own = [...familiesOf(served).keys()].filter((name) => !/^(nodejs|process)_/.test(name))
    expect(rows.toSorted()).toEqual(own.toSorted())
    expect(new Set(rows).size).toBe(rows.length)
  })

  it("says what is left out", async () => {
    const text = await readFile(join(import.meta.dirname, "../../../docs/metrics.md"), "utf8")
    for (const name of LEFT_OUT.keys()) expect(text).toContain(`${PREFIX}${name}`)
    for (const series of LEFT_OUT_SERIES.keys()) expect(text).toContain(`${PREFIX}${series}`)
  })
})
