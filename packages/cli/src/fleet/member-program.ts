import { readFileSync } from "node:fs"
import { toHex } from "@sluice/encoding/bytes"
import { socketLink } from "@sluice/fleet/socket-link"
import type { Program } from "@sluice/ops/lifecycle"
import { timerJobs } from "@sluice/ops/timer-jobs"
import type { RelayParts } from "@sluice/relay/relay-parts"
import { loadSettings, type Overrides, type Place, placeOf } from "../place.ts"
import { programOf } from "../serve/relay-program.ts"
import { LeaderJobs } from "./leader-jobs.ts"
import type { FromMember, MemberSpec } from "./member-messages.ts"

/** How a member speaks with its supervisor. */
export interface Supervised {
  tell(message: FromMember): void
  /** Resolves when this member is chosen to lead. */
  readonly led: Promise<void>
}

const STATUS_EVERY = 1_000

/** The relay of one member as a program. */
export async function memberProgram(spec: MemberSpec, { tell, led }: Supervised): Promise<Program> {
  const place: Place = placeOf({ data: spec.dataFolder, config: spec.configFile })
  const overrides = overridesOf(spec)
  const settings = loadSettings(place, overrides)
  let timer: NodeJS.Timeout | undefined
  return programOf(place, settings, {
    record: false,
    overrides,
    name: `relay-${spec.index}`,
    parts: spec.hub === undefined ? {} : partsOfWorker(spec.hub, settings.config.fleet.lease, led),
    watcher: {
      started(relay) {
        const [listener] = relay.addresses
        const { port: adminPort } = relay.adminAddress
        const status = (): void => tell({ type: "status", ...relay.figures() })
        tell({ type: "ready", port: listener?.port ?? 0, adminPort, fingerprint: toHex(relay.fingerprint) })
        timer = setInterval(status, STATUS_EVERY).unref()
      },
      stopping: () => clearInterval(timer),
    },
  })
}

function overridesOf({ overrides, redisPasswordFile }: MemberSpec): Overrides {
  if (redisPasswordFile === undefined) return overrides
  return { ...overrides, "redis.password": readFileSync(redisPasswordFile, "utf8") }
}

/** What is different for one of several processes on one embedded store. */
function partsOfWorker(hub: string, lease: number, led: Promise<void>): Partial<RelayParts> {
  return {
    sharedStore: true,
    link: socketLink({ path: hub, lease }),
    fleetJobs: (components) => new LeaderJobs(timerJobs({}, components), led),
  }
}
