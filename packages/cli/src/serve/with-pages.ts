import { parseServerAddress } from "@sluice/encoding/server-address"
import { createLinksServer, type LinksServer } from "@sluice/links/links-server"
import { systemClock } from "@sluice/ops/clock"
import type { Program } from "@sluice/ops/lifecycle"
import { createLog } from "@sluice/ops/log"
import { Metrics } from "@sluice/ops/metrics"
import { registerProcessMetrics } from "@sluice/ops/process-metrics"
import { composeServices } from "@sluice/ops/service"
import type { Place, Settings } from "../place.ts"
import { localFingerprint, relayAddress } from "../relay-address.ts"
import { VERSION } from "../version.ts"
import { ownDial } from "./own-dial.ts"
import { type ProgramOptions, programOf } from "./relay-program.ts"

/** The relay, and in the same process the pages for its links if the settings want them. */
export async function programWithPages(
  place: Place,
  settings: Settings,
  options: ProgramOptions = {},
): Promise<Program> {
  const { links } = settings.config
  if (!links.enabled) return programOf(place, settings, options)
  const metrics = new Metrics()
  registerProcessMetrics(metrics, { version: VERSION })
  const { watcher } = options
  let { port } = settings.config.relay
  const pages = await pagesOf(place, settings, { metrics, sink: watcher?.sink, port: () => port })
  const program = await programOf(place, settings, {
    ...options,
    watcher: {
      stopping: () => watcher?.stopping(),
      ...(watcher?.sink && { sink: watcher.sink }),
      async started(relay) {
        port = relay.addresses[0]?.port ?? port
        await watcher?.started(relay)
      },
    },
    parts: { ...options.parts, metrics, ...(links.onRelayPort && pages.handOver && { web: pages.handOver }) },
  })
  return { ...program, service: composeServices([program.service, pages]) }
}

interface PagesParts {
  readonly metrics: Metrics
  readonly sink: NonNullable<ProgramOptions["watcher"]>["sink"]
  /** The relay's real port, known once it has started. */
  readonly port: () => number
}

/** The relay is reached within the machine: by its public name it may not be, behind a router for example. */
async function pagesOf(place: Place, settings: Settings, { metrics, sink, port }: PagesParts): Promise<LinksServer> {
  const { config } = settings
  const fingerprint = await localFingerprint(place, settings)
  const address = parseServerAddress(relayAddress(settings, { fingerprint, port: config.relay.port, password: false }))
  const [bind = "*"] = config.relay.bind
  const host = bind === "*" ? "127.0.0.1" : bind
  const log = createLog({ ...config.log, service: "links" }, { clock: systemClock, ...(sink && { sink }) })
  const connectTo = () => ({ hosts: [host], port: String(port()) })
  const relays = [{ address, connectTo, dial: ownDial(config.limits.balancers) }]
  const { relay, store } = config
  return createLinksServer(config.links, {
    ...{ log, metrics, dataFolder: place.dataFolder, relays },
    policies: {
      persistence: store.kind === "memory" ? "memory" : "queues-and-messages",
      messageLife: relay.messageTtl,
      newQueues: !relay.newQueues ? "nobody" : relay.password === undefined ? "everybody" : "password",
      software: `Sluice ${VERSION}`,
    },
  })
}
