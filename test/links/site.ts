import { nativeCrypto } from "@sluice/crypto/native"
import type { ServerAddress } from "@sluice/encoding/server-address"
import { linksSettings } from "@sluice/links/config"
import { createLinksServer, type LinksServer } from "@sluice/links/links-server"
import { loadConfig } from "@sluice/ops/config"
import { Metrics } from "@sluice/ops/metrics"
import { type RecordingLog, recordingLog } from "@sluice/ops/recording-log"
import { formatShortLink } from "@sluice/short-links/short-link"
import { connect } from "@sluice/smp-client/connect"
import type { SmpConnection } from "@sluice/smp-client/connection"
import { TestRelay, type TestRelayOptions } from "../support/relay.ts"
import type { TestAddress } from "./address.ts"

/** A relay and the pages for its links, in this process on free loopback ports, and a client of the relay. */
export class TestSite implements AsyncDisposable {
  readonly relay: TestRelay
  readonly links: LinksServer
  readonly log: RecordingLog
  readonly metrics: Metrics
  readonly client: SmpConnection
  /** The relay's address as links have it: by the name that the pages are opened under. */
  readonly server: ServerAddress

  private constructor(parts: Pick<TestSite, "relay" | "links" | "log" | "metrics" | "client" | "server">) {
    this.relay = parts.relay
    this.links = parts.links
    this.log = parts.log
    this.metrics = parts.metrics
    this.client = parts.client
    this.server = parts.server
  }

  static async start(
    overrides: Readonly<Record<string, unknown>> = {},
    relayOptions: TestRelayOptions = { store: "memory" },
  ): Promise<TestSite> {
    const relay = await TestRelay.start(relayOptions)
    const port = String(relay.port)
    const server: ServerAddress = { scheme: "smp", keyHash: relay.relay.fingerprint, hosts: ["localhost"], port }
    const { links: config } = loadConfig(linksSettings, {
      overrides: { "links.port": 0, "links.cache_time": "0s", "links.preview_burst": 1000, ...overrides },
    })
    const log = recordingLog()
    const metrics = new Metrics()
    const links = await createLinksServer(config, {
      ...{ log, metrics, dataFolder: relay.folder },
      relays: [{ address: server, connectTo: () => ({ hosts: ["127.0.0.1"], port }) }],
    })
    await links.start()
    const client = await connect({ ...server, hosts: ["127.0.0.1"] }, { crypto: nativeCrypto })
    return new TestSite({ relay, links, log, metrics, client, server })
  }

  /** Where the pages are. */
  get origin(): string {
    return `http://localhost:${this.links.address.port}`
  }

  /** A link as it is opened in a browser here: the same, but for scheme and port of the pages. */
  page({ link }: Pick<TestAddress, "link">): string {
    return formatShortLink(link).replace("https://localhost", this.origin)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close()
    await this.links[Symbol.asyncDispose]()
    await this.relay[Symbol.asyncDispose]()
  }
}
