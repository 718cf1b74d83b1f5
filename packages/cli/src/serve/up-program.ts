import type { Program } from "@sluice/ops/lifecycle"
import type { Relay } from "@sluice/relay/relay"
import { hasIdentity, makeRelay } from "../new-relay.ts"
import { say } from "../output.ts"
import { type GlobalOptions, loadSettings, type Place, placeOf, type Settings, shown } from "../place.ts"
import { relayAddress } from "../relay-address.ts"
import { programOf, type Watcher } from "./relay-program.ts"
import { StatusLine } from "./status-line.ts"

/** Makes the relay if there is none yet, and gives the program that runs it in front of somebody. */
export async function upProgram(options: GlobalOptions): Promise<Program> {
  const place = placeOf(options)
  const settings = loadSettings(place)
  const fresh = !(await hasIdentity(place, settings))
  if (fresh) await makeRelay(place, settings, { set: {}, ed448: false })
  return programOf(place, settings, watcherFor(place, settings, fresh))
}

function watcherFor(place: Place, settings: Settings, fresh: boolean): Watcher {
  const line = process.stderr.isTTY ? new StatusLine(process.stderr) : undefined
  return {
    ...(line && { sink: line }),
    async started(relay) {
      await greet(place, settings, relay, fresh)
      line?.show(() => ({
        connections: relay.connections,
        queues: relay.counts.queues,
        sent: relay.statistics.msgSent,
      }))
    },
    stopping: () => line?.hide(),
  }
}

/** The address, and for the first time all that helps to go on. */
async function greet(place: Place, settings: Settings, relay: Relay, fresh: boolean): Promise<void> {
  const [listener] = relay.addresses
  const { fingerprint } = relay
  const port = listener?.port ?? settings.config.relay.port
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
