// A relay in a process of its own, as `bench/relay/main.ts` measures it: embedded store, default settings, free ports.
import { existsSync } from "node:fs"
import { join } from "node:path"
import { nativeCrypto } from "@sluice/crypto/native"
import { systemClock } from "@sluice/ops/clock"
import { loadConfig } from "@sluice/ops/config"
import { createLog } from "@sluice/ops/log"
import { relaySettings } from "@sluice/relay/config"
import { createRelay } from "@sluice/relay/relay"
import { createIdentity, identityFiles } from "@sluice/transport/certificates"

const [dataFolder = "", port = "0", more = "{}"] = process.argv.slice(2)
const overrides = {
  "relay.bind": ["127.0.0.1"],
  "relay.port": Number(port),
  "admin.port": 0,
  // The proxy and the relay behind it are both on this machine.
  "proxy.allow_private": true,
  ...JSON.parse(more),
}
const config = loadConfig(relaySettings, { overrides })
const now = Math.floor(systemClock.now() / 1000)
const identity = identityFiles(join(dataFolder, "identity"))
if (!existsSync(identity.leafCertificate)) await createIdentity(nativeCrypto, identity, { host: "localhost", now })
const log = createLog({ level: "warn", format: "json", service: "relay" }, { clock: systemClock })
const relay = await createRelay(config, { log, dataFolder })
await relay.start(new AbortController().signal)
// Not by `process.exit`: with a transaction of the store under way that would wait for ever.
process.once("disconnect", () => void relay.stop(AbortSignal.abort()))
process.send?.({ port: relay.addresses[0]?.port, fingerprint: [...relay.fingerprint] })
