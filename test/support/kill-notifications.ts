// A notification server as a process of its own, for a test that kills it: node kill-notifications.ts DATA-FOLDER PORT [SETTINGS]
import { nativeCrypto } from "@sluice/crypto/native"
import { notificationsSettings } from "@sluice/notifications/config"
import { createNotificationsServer } from "@sluice/notifications/notifications-server"
import { configuredProviders } from "@sluice/notifications/push/configured-providers"
import { systemClock } from "@sluice/ops/clock"
import { loadConfig } from "@sluice/ops/config"
import { createLog } from "@sluice/ops/log"
import { CertificateError } from "@sluice/transport/certificate-error"
import { createIdentity, identityFiles } from "@sluice/transport/certificates"

const [dataFolder = "", port = "0", settings = "{}"] = process.argv.slice(2)
// Without its test there is nobody left who would end it.
process.on("disconnect", () => process.exit(1))

const config = loadConfig(notificationsSettings, {
  overrides: {
    "notifications.bind": ["127.0.0.1"],
    "notifications.port": Number(port),
    "notifications.test_tokens": true,
    "notifications.registrations_per_minute": 10_000,
    "notifications.allow_private_relays": true,
    "admin.port": 0,
    ...JSON.parse(settings),
  },
})
const log = createLog({ level: "warn", format: "json", service: "notifications" }, { clock: systemClock })
await createIdentity(nativeCrypto, identityFiles(`${dataFolder}/notifications-identity`), {
  host: "localhost",
  now: Math.floor(Date.now() / 1000),
}).catch((error: unknown) => {
  // Every start but the first finds it there.
  if (!(error instanceof CertificateError && error.problem.code === "EXISTS")) throw error
})
const providers = await configuredProviders(config, dataFolder)
const server = await createNotificationsServer(config, { log, dataFolder, providers })
await server.start()
process.send?.({ port: server.addresses[0]?.port, fingerprint: [...server.fingerprint] })
