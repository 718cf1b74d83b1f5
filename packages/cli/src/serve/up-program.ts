import type { Program } from "@sluice/ops/lifecycle"
import { OperatorError } from "@sluice/ops/operator-error"
import { hasIdentity, makeRelay } from "../new-relay.ts"
import { say } from "../output.ts"
import { type GlobalOptions, loadSettings, type Place, placeOf, type Settings, shown } from "../place.ts"
import { relayAddress } from "../relay-address.ts"
import type { Watcher } from "./relay-program.ts"
import { StatusLine } from "./status-line.ts"
import type { Greeted, View } from "./view.ts"
import { programWithPages } from "./with-pages.ts"

/** What `sluice up` is told. */
export interface UpOptions extends GlobalOptions {
  /** Relay processes that share the embedded store and the port. */
  readonly workers?: number | undefined
  /** Relay processes that share a Redis and the port. */
  readonly cluster?: number | undefined
  /** Whether the pages for links are served as well, whatever the settings say. */
  readonly links?: boolean | undefined
}

/** Makes the relay if there is none yet, and gives the program that runs it in front of somebody. */
export async function upProgram(options: UpOptions): Promise<Program> {
  const place = placeOf(options)
  const overrides = options.links === true ? { "links.enabled": true } : {}
  const settings = loadSettings(place, overrides)
  const { workers, cluster } = options
  const count = workers ?? cluster
  if (count !== undefined && settings.config.links.enabled) {
    throw new OperatorError(
      "links.enabled does not go with --workers and --cluster; allowed: links.enabled = false, and `sluice links` beside it",
    )
  }
  const fresh = !(await hasIdentity(place, settings))
  if (fresh) await makeRelay(place, settings, { set: {}, ed448: false })
  const line = process.stderr.isTTY ? new StatusLine(process.stderr) : undefined
  const view: View = {
    ...(line && { sink: line }),
    async started(relay, read) {
      await greet(place, settings, relay, fresh)
      line?.show(read)
    },
    stopping: () => line?.hide(),
  }
  if (count === undefined) return programWithPages(place, settings, { overrides, watcher: watcherFor(view) })
  const { fleetProgram } = await import("../fleet/fleet-program.ts")
  return fleetProgram(place, settings, { kind: workers === undefined ? "cluster" : "workers", count, view })
}

function watcherFor({ started, ...view }: View): Watcher {
  return {
    ...view,
    started(relay) {
      const [listener] = relay.addresses
      return started({ port: listener?.port ?? 0, fingerprint: relay.fingerprint }, relay.figures)
    },
  }
}

/** The address, and for the first time all that helps to go on. */
async function greet(place: Place, settings: Settings, { port, fingerprint }: Greeted, fresh: boolean): Promise<void> {
  const open = relayAddress(settings, { fingerprint, port, password: false })
  const secret = settings.config.relay.password !== undefined
  if (!fresh) {
    // Not the password: what is printed at every start ends up in journals.
    say(`relay: ${open}${secret ? "  (`sluice address` adds the password)" : ""}`)
    return
  }
  const { qrLines } = await import("./qr-lines.ts")
  const lines = [
    `A new relay, in ${shown(place.dataFolder)}. Its address, for apps and for those you trust:`,
    "",
    relayAddress(settings, { fingerprint, port }),
    "",
    ...qrLines(open, process.stderr.isTTY === true),
    secret ? "(the code leaves out the password)" : "",
    "Try next, in a second terminal:",
    "",
    "  npm run demo                                                  two clients exchange messages",
    '  npm run -s sluice -- ping "$(npm run -s sluice -- address)"   what the relay answers, and how fast',
    "  npm run -s sluice -- help                                     all that there is",
    "",
    "Ctrl+C stops it; `npm start` goes on with the same address and all messages.",
    "",
  ]
  for (const line of lines) say(line)
}
