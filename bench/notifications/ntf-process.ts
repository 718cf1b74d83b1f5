// A notification server in a process of its own, as `bench/notifications/main.ts` measures it, with Apple's service at
// a stand-in of the measuring process: node ntf-process.ts DATA-FOLDER SETTINGS APNS
import { existsSync } from "node:fs"
import { nativeCrypto } from "@sluice/crypto/native"
import { jwsKeyFromPem } from "@sluice/crypto/native/jws"
import { notificationsSettings } from "@sluice/notifications/config"
import { createNotificationsServer } from "@sluice/notifications/notifications-server"
import { systemClock } from "@sluice/ops/clock"
import { loadConfig } from "@sluice/ops/config"
import { createLog } from "@sluice/ops/log"
import { ApnsProvider } from "@sluice/push/apns-provider"
import { createIdentity, identityFiles } from "@sluice/transport/certificates"
import type { ApnsOfBench } from "./launch.ts"

const [dataFolder = "", settings = "{}", apns = "{}"] = process.argv.slice(2)
const { origin, ca, key, keyId, teamId, topic }: ApnsOfBench = JSON.parse(apns)
const began = performance.now()
const overrides = {
  "notifications.bind": ["127.0.0.1"],
  "notifications.registrations_per_minute": 10_000,
  "notifications.port": 0,
  "notifications.allow_private_relays": true,
  "admin.port": 0,
  ...JSON.parse(settings),
}
const config = loadConfig(notificationsSettings, { overrides })
const identity = identityFiles(`${dataFolder}/notifications-identity`)
const now = Math.floor(systemClock.now() / 1000)
if (!existsSync(identity.leafCertificate)) await createIdentity(nativeCrypto, identity, { host: "localhost", now })
const log = createLog({ level: "warn", format: "json", service: "notifications" }, { clock: systemClock })
const provider = new ApnsProvider({ origin, ca, key: jwsKeyFromPem("ES256", key), keyId, teamId, topic })
const server = await createNotificationsServer(config, { log, dataFolder, providers: new Map([["AP", provider]]) })
await server.start()
process.send?.({ ready: { port: server.addresses[0]?.port, fingerprint: [...server.fingerprint] } })
const watch = setInterval(() => {
  const { up, connecting, subscribing, waiting } = server.relays.states
  if (up === 0 || connecting + subscribing + waiting > 0) return
  clearInterval(watch)
  const { active, pending } = server.relays.subscriptions
  process.send?.({ up: { ms: performance.now() - began, active, pending } })
}, 5)
process.once("disconnect", () => {
  clearInterval(watch)
  void server.stop(AbortSignal.abort())
})
