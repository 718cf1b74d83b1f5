// A relay as a process of its own, for a test that kills it: node kill-relay.ts DATA-FOLDER PORT
import { nativeCrypto } from "@sluice/crypto/native"
import { systemClock } from "@sluice/ops/clock"
import { loadConfig } from "@sluice/ops/config"
import { createLog } from "@sluice/ops/log"
import { relaySettings } from "@sluice/relay/config"
import { createRelay } from "@sluice/relay/relay"
import { CertificateError } from "@sluice/transport/certificate-error"
import { createIdentity, identityFiles } from "@sluice/transport/certificates"

const [dataFolder = "", port = "0"] = process.argv.slice(2)
// Without its test there is nobody left who would end it.
process.on("disconnect", () => process.exit(1))

const config = loadConfig(relaySettings, {
  overrides: { "relay.bind": ["127.0.0.1"], "relay.port": Number(port), "admin.port": 0, "store.kind": "lmdb" },
})
const log = createLog({ level: "warn", format: "json", service: "relay" }, { clock: systemClock })
await createIdentity(nativeCrypto, identityFiles(`${dataFolder}/identity`), {
  host: "localhost",
  now: Math.floor(Date.now() / 1000),
}).catch((error: unknown) => {
  // Every start but the first finds it there.
  if (!(error instanceof CertificateError && error.problem.code === "EXISTS")) throw error
})
const relay = await createRelay(config, { log, dataFolder })
await relay.start(new AbortController().signal)
process.send?.({ port: relay.addresses[0]?.port, fingerprint: [...relay.fingerprint] })
