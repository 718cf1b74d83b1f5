// A relay of one's own on 127.0.0.1, for as long as an example runs. Its queues are in memory only.
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { nativeCrypto } from "@sluice/crypto/native"
import { formatServerAddress } from "@sluice/encoding/server-address"
import { systemClock } from "@sluice/ops/clock"
import { loadConfig } from "@sluice/ops/config"
import { createLog } from "@sluice/ops/log"
import { relaySettings } from "@sluice/relay/config"
import { createRelay } from "@sluice/relay/relay"
import { createIdentity, identityFiles } from "@sluice/transport/certificates"

/** A running relay: what clients need of it, and its end. */
export interface LoopbackRelay extends AsyncDisposable {
  /** `smp://fingerprint@127.0.0.1:port`. */
  readonly address: string
}

/** Starts a relay on a free port, with certificates in a temporary folder that goes away with it. */
export async function loopbackRelay(): Promise<LoopbackRelay> {
  const dataFolder = await mkdtemp(join(tmpdir(), "sluice-example-"))
  const now = Math.floor(systemClock.now() / 1000)
  await createIdentity(nativeCrypto, identityFiles(join(dataFolder, "identity")), { host: "localhost", now })
  const config = loadConfig(relaySettings, {
    overrides: { "relay.bind": ["127.0.0.1"], "relay.port": 0, "admin.port": 0, "store.kind": "memory" },
  })
  const log = createLog({ level: "error", format: "pretty", service: "relay" }, { clock: systemClock })
  const relay = await createRelay(config, { log, dataFolder })
  await relay.start(new AbortController().signal)
  const port = String(relay.addresses[0]?.port ?? 0)
  return {
    address: formatServerAddress({ scheme: "smp", keyHash: relay.fingerprint, hosts: ["127.0.0.1"], port }),
    async [Symbol.asyncDispose]() {
      await relay.stop(AbortSignal.timeout(5000))
      await relay.release()
      await rm(dataFolder, { recursive: true, force: true })
    },
  }
}
