import type { Server as HttpsServer } from "node:https"
import { resolve } from "node:path"
import { createSecureContext, type SecureContext, type TLSSocket } from "node:tls"
import type { CryptoBackend } from "@sluice/crypto/backend"
import { nativeCrypto } from "@sluice/crypto/native"
import { type Bind, bindOf, formatBind } from "@sluice/ops/bind"
import { type Clock, systemClock } from "@sluice/ops/clock"
import { FileReload, type FileReloadComponents } from "@sluice/ops/file-reload"
import { addressOf, listenFor } from "@sluice/ops/http-listen"
import type { Log } from "@sluice/ops/log"
import { Metrics } from "@sluice/ops/metrics"
import { type OwnedService, ownedService } from "@sluice/ops/service"
import type { WebHandOver } from "@sluice/server-kit/server-options"
import { checkLinks, type LinksConfig } from "./config.ts"
import { createLinksMetrics, type LinksMetrics } from "./metrics.ts"
import type { RelayPolicies } from "./policies.ts"
import type { AllowedRelay } from "./resolver/allow-list.ts"
import { ClientLimit } from "./resolver/client-limit.ts"
import { Resolver } from "./resolver/resolver.ts"
import { SideDoors } from "./side-doors.ts"
import { makeSite } from "./site.ts"
import { createWebApp, type WebCertificate } from "./web-app.ts"
import { loadWebCertificate } from "./web-certificate.ts"

/** What the pages are started with; everything but log and data folder has a default, which tests replace. */
export interface LinksServerParts {
  readonly log: Log
  /** The configuration's paths are relative to it. */
  readonly dataFolder: string
  readonly crypto?: CryptoBackend
  readonly clock?: Clock
  readonly metrics?: Metrics
  /** Relays besides those of the configuration: the one in the same process. */
  readonly relays?: readonly AllowedRelay[]
  /** Of that relay, for the page about the server. */
  readonly policies?: RelayPolicies
}

/** The pages, put together. `start` and `stop` are those of the ops package's `Service`. */
export interface LinksServer extends OwnedService {
  /** Reads the certificate again; connections from then on get it. */
  reload(): Promise<void>
  /** The first of the places where it listens, with the real port. Throws before `start`. */
  readonly address: Bind
  /** For a relay that serves the pages on its own port as well. `undefined` without a certificate. */
  readonly handOver: WebHandOver | undefined
  readonly metrics: LinksMetrics
}

const MINUTE = 60
/** What it listens for, in errors. */
const PURPOSE = "the pages of links"

/** Makes the files of the site and puts everything together. Listens only with `start`. */
export async function createLinksServer(config: LinksConfig, parts: LinksServerParts): Promise<LinksServer> {
  checkLinks(config)
  const { log, dataFolder, crypto = nativeCrypto, clock = systemClock } = parts
  const certificate = await loadWebCertificate(config, dataFolder)
  const relays = [...(parts.relays ?? []), ...config.relays.map((address) => ({ address }))]
  const { register } = parts.metrics ?? new Metrics()
  const metrics = createLinksMetrics(register)
  const resolver = config.preview && relays.length > 0 ? makeResolver(config, relays, crypto, clock) : undefined
  const clients = new ClientLimit(
    { perSecond: config.previewsPerMinute / MINUTE, burst: config.previewBurst, maxKeys: config.maxClients },
    crypto,
    clock,
  )
  const subject = { relays: relays.map(({ address }) => address), policies: parts.policies }
  const site = await makeSite(config, subject, crypto)
  const sources = new WeakMap<object, string>()
  const app = createWebApp(config, { site, resolver, clients, sources, metrics, clock, log }, certificate)
  const handOver = certificate && new SharedPort(certificate, sources, (socket) => app.server.emit(SECURED, socket))
  let connections = 0
  app.server.on(certificate === undefined ? "connection" : SECURED, (socket: TLSSocket) => {
    connections++
    socket.once("close", () => connections--)
  })
  metrics.levels = () => ({
    fetching: 0,
    waiting: 0,
    cachedLinks: 0,
    cachedBytes: 0,
    ...resolver?.levels(),
    clients: clients.size,
    connections,
  })
  const reload =
    certificate && certificateReload(config, dataFolder, certificate, { app, handOver, clock, log, register })
  return assemble({ config, log, app, resolver, handOver, reload, metrics })
}

/** What TLS servers call a connection that is set up; the HTTP part of one listens for it. */
const SECURED = "secureConnection"

function makeResolver(
  config: LinksConfig,
  relays: readonly AllowedRelay[],
  crypto: CryptoBackend,
  clock: Clock,
): Resolver {
  const { fetchTimeout, maxFetches, maxWaitingFetches, cacheTime, cacheSize } = config
  const cache = { time: cacheTime, size: cacheSize }
  return new Resolver({ relays, cache, fetchTimeout, maxFetches, maxWaitingFetches }, { crypto, clock })
}

/** The pages on a port that is another server's: takes sockets over after their TLS was set up. */
class SharedPort implements WebHandOver {
  readonly tls: { readonly context: () => SecureContext; readonly protocols: readonly string[] }
  readonly #accept: (socket: TLSSocket) => void
  readonly #sources: WeakMap<object, string>
  #context: SecureContext

  constructor(certificate: WebCertificate, sources: WeakMap<object, string>, accept: (socket: TLSSocket) => void) {
    this.#context = createSecureContext(certificate)
    this.#sources = sources
    this.#accept = accept
    this.tls = { context: () => this.#context, protocols: ["http/1.1"] }
  }

  accept(socket: TLSSocket, source: string | undefined): void {
    if (source !== undefined) this.#sources.set(socket, source)
    this.#accept(socket)
  }

  use(certificate: WebCertificate): void {
    this.#context = createSecureContext(certificate)
  }
}

interface ReloadParts extends FileReloadComponents {
  readonly app: ReturnType<typeof createWebApp>
  readonly handOver: SharedPort | undefined
}

/** Connections get the new certificate from then on, here and on the port of the relay. */
function certificateReload(
  config: LinksConfig,
  dataFolder: string,
  present: WebCertificate,
  { app, handOver, ...components }: ReloadParts,
): FileReload<WebCertificate> {
  const files = [config.certificate, config.key].filter((path) => path !== undefined)
  const options = {
    ...{ what: "certificates", present, metric: "sluice_links_certificate_reloads_total" },
    files: files.map((path) => resolve(dataFolder, path)),
    same: (a: WebCertificate, b: WebCertificate) => a.cert.equals(b.cert) && a.key.equals(b.key),
    load: async () => (await loadWebCertificate(config, dataFolder)) ?? present,
    use(loaded: WebCertificate): void {
      // The pages were made with a certificate, so this is a server for TLS.
      const server = app.server as unknown as HttpsServer
      server.setSecureContext({ ...loaded, minVersion: "TLSv1.2" })
      handOver?.use(loaded)
    },
  }
  return new FileReload(options, components)
}

interface Assembly {
  readonly config: LinksConfig
  readonly log: Log
  readonly app: ReturnType<typeof createWebApp>
  readonly resolver: Resolver | undefined
  readonly handOver: SharedPort | undefined
  readonly reload: FileReload<WebCertificate> | undefined
  readonly metrics: LinksMetrics
}

function assemble({ config, log, app, resolver, handOver, reload, metrics }: Assembly): LinksServer {
  const doors = new SideDoors(app.server)
  const service = ownedService({
    async start() {
      const [first = "*", ...others] = config.bind
      await listenFor(PURPOSE, bindOf(first, config.port), (at) => app.listen(at))
      // Port 0 takes a free one, which is then that of all addresses.
      const { port } = addressOf(app.server)
      for (const other of others) await listenFor(PURPOSE, bindOf(other, port), (at) => doors.open(at))
      resolver?.start()
      await reload?.start()
      log.info("serving pages for links", { bind: formatBind(addressOf(app.server)) })
      if (config.preview && resolver === undefined) {
        log.info("no relay is known, so pages show no profiles", { setting: "links.relays" })
      }
    },
    async stop(deadline) {
      const cut = (): void => app.server.closeAllConnections()
      if (deadline.aborted) cut()
      else deadline.addEventListener("abort", cut, { once: true })
      reload?.stop()
      doors.close()
      await app.close()
      deadline.removeEventListener("abort", cut)
      await resolver?.close()
    },
  })
  return {
    ...service,
    metrics,
    handOver,
    get address() {
      return addressOf(app.server)
    },
    async reload() {
      await reload?.reload()
    },
  }
}
