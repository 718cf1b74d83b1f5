import { loadConfig } from "@sluice/ops/config"
import { silentLog } from "@sluice/ops/recording-log"
import { proxyServerSettings } from "@sluice/proxy/config"
import { createProxyServer, type ProxyServer } from "@sluice/proxy/proxy-server"

/** A proxy on free ports, with the certificates in `identity` below the data folder. */
export async function startProxy(dataFolder: string): Promise<ProxyServer> {
  const config = loadConfig(proxyServerSettings, { overrides: { "proxy_server.port": 0, "admin.port": 0 } })
  const proxy = await createProxyServer(config, { log: silentLog, dataFolder })
  await proxy.start()
  return proxy
}
