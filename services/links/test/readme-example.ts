import { parseServerAddress } from "@sluice/encoding/server-address"
import { linksSettings } from "@sluice/links/config"
import { createLinksServer, type LinksServer } from "@sluice/links/links-server"
import { loadConfig } from "@sluice/ops/config"
import { silentLog } from "@sluice/ops/recording-log"

/** Pages on a free port of this machine, with previews of the addresses of one relay. */
export async function servePages(relay: string, dataFolder: string): Promise<LinksServer> {
  const { links } = loadConfig(linksSettings, { overrides: { "links.port": 0 } })
  const relays = [{ address: parseServerAddress(relay, { scheme: "smp", password: "refused" }) }]
  const pages = await createLinksServer(links, { log: silentLog, dataFolder, relays })
  await pages.start()
  return pages
}
