import { bindOf } from "@sluice/ops/bind"
import { createMessageProxy } from "@sluice/proxying/create-proxy"
import { createProxyMetrics, type ProxyMetrics } from "@sluice/proxying/metrics"
import { type BlockService, createBlockService } from "@sluice/server-kit/block-service"
import { openIdentity } from "@sluice/server-kit/server-identity"
import { componentsOf, type ServiceParts } from "@sluice/server-kit/service-components"
import { smpProtocol } from "@sluice/server-kit/smp"
import type { ProxyServerConfig } from "./config.ts"
import { ProxySession, refuseForwarded, type SessionShared } from "./session.ts"

/** A proxy that was put together. `start` and `stop` are those of the ops package's `Service`. */
export interface ProxyServer extends BlockService {
  readonly metrics: ProxyMetrics
}

/** Loads the certificates and puts everything together. Listens only with `start`. */
export async function createProxyServer(config: ProxyServerConfig, parts: ServiceParts): Promise<ProxyServer> {
  const components = componentsOf(parts)
  const { crypto, clock, log, register, jobs } = components
  const { proxyServer, proxy: routing, limits } = config
  const identity = await openIdentity("proxy_server.identity", proxyServer.identity, components)
  const forwarded = register.counter({
    name: "simplex_smp_relay_messages_received",
    help: "Forwarded commands received from proxies",
  })
  const metrics = createProxyMetrics(register)
  const proxy = createMessageProxy(
    { enabled: routing.enabled, password: proxyServer.password?.reveal(), routing },
    { crypto, clock, metrics },
  )
  const shared: SessionShared = { crypto, proxy, executor: refuseForwarded(() => forwarded.value++) }
  const service: BlockService = createBlockService(
    {
      identity,
      server: {
        listen: proxyServer.bind.map((address) => bindOf(address, proxyServer.port)),
        protocol: smpProtocol({ crypto, range: { min: proxyServer.minVersion, max: proxyServer.maxVersion } }),
        sessions: (session) => new ProxySession(shared, session),
        // All slow commands are the proxy's, and for those there is a setting of its own.
        settings: { ...limits, maxSlowCommands: routing.clientConcurrency },
      },
      admin: config.admin,
      life: {
        begin: () => jobs.start(),
        serving: () => log.info("proxy is serving", { port: service.addresses[0]?.port }),
        /** Clients are gone: what they had asked for still needed the connections to relays. */
        async finish() {
          await proxy.stop()
          await jobs.stop()
        },
      },
    },
    components,
  )
  return Object.assign(service, { metrics })
}
