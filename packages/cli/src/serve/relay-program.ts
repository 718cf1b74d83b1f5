import type { Program } from "@sluice/ops/lifecycle"
import type { LineSink } from "@sluice/ops/log"
import { configuredProgram } from "@sluice/ops/service-program"
import { createRelay, type Relay } from "@sluice/relay/relay"
import type { RelayParts } from "@sluice/relay/relay-parts"
import { loadSettings, type Overrides, type Place, type Settings } from "../place.ts"
import { removeRunRecord, writeRunRecord } from "../run-record.ts"
import { VERSION } from "../version.ts"

/** What somebody who watches a relay adds to it. */
export interface Watcher {
  /** Where the log goes, if not to standard error as it is. */
  readonly sink?: LineSink
  /** The relay is serving. */
  started(relay: Relay): void | Promise<void>
  /** It is about to stop. */
  stopping(): void
}

/** How a relay is run, where it is not as usual. */
export interface ProgramOptions {
  readonly watcher?: Watcher
  /** Whether it leaves a record in the data folder, by which other commands find it. Default true. */
  readonly record?: boolean
  /** What the settings were loaded with, for when they are loaded again. */
  readonly overrides?: Overrides
  /** What the log calls it. Default `relay`. */
  readonly name?: string
  readonly parts?: Partial<RelayParts>
}

/** The relay of the data folder as a program. Throws `OperatorError` when there is none or it can't be used. */
export function programOf(place: Place, settings: Settings, options: ProgramOptions = {}): Promise<Program> {
  const { watcher, record = true, overrides, name = "relay", parts } = options
  const { dataFolder } = place
  const read = { config: settings.config, dataFolder, again: () => loadSettings(place, overrides) }
  return configuredProgram(
    name,
    { version: VERSION, ...(watcher?.sink && { sink: watcher.sink }) },
    read,
    async (config, given) => {
      const relay = await createRelay(config, { ...given, ...parts })
      return {
        readiness: relay.readiness,
        async start(signal) {
          await relay.start(signal)
          const [listener] = relay.addresses
          const { port: adminPort } = relay.adminAddress
          const port = listener?.port ?? config.relay.port
          if (record) await writeRunRecord(place, { pid: process.pid, port, adminPort })
          await watcher?.started(relay)
        },
        async stop(deadline) {
          watcher?.stopping()
          if (record) await removeRunRecord(place)
          await relay.stop(deadline)
        },
        reload: () => relay.reload(),
        release: () => relay.release(),
      }
    },
  )
}
