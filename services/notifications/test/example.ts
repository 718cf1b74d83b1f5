import { notificationsSettings } from "@sluice/notifications/config"
import { createNotificationsServer, type NotificationsServer } from "@sluice/notifications/notifications-server"
import { createMemoryStore } from "@sluice/notifications/store/table-store"
import { loadConfig } from "@sluice/ops/config"
import { silentLog } from "@sluice/ops/recording-log"
import type { PushProvider } from "@sluice/push/provider"

/** A server for tests on a free port of this machine, whose test tokens go to `provider`. */
export async function serve(dataFolder: string, provider: PushProvider): Promise<NotificationsServer> {
  const config = loadConfig(notificationsSettings, {
    overrides: { "notifications.port": 0, "notifications.test_tokens": true, "admin.port": 0 },
  })
  const server = await createNotificationsServer(config, {
    log: silentLog,
    dataFolder,
    store: createMemoryStore(),
    providers: new Map([["AT", provider]]),
  })
  await server.start()
  return server
}
