import type { NodeLink } from "@sluice/fleet/node-link"
import type { Clock } from "@sluice/ops/clock"
import type { JobRunner } from "@sluice/ops/jobs"
import type { Log } from "@sluice/ops/log"
import type { TimerJobsComponents } from "@sluice/ops/timer-jobs"
import type { WebHandOver } from "@sluice/server-kit/server-options"
import type { ServiceParts } from "@sluice/server-kit/service-components"
import type { OpenStore } from "./open-store.ts"

/** What a relay is started with; everything but log and data folder has a default, which tests replace. */
export interface RelayParts extends ServiceParts {
  readonly store?: OpenStore
  /** Other processes of this machine open the embedded store, too. */
  readonly sharedStore?: boolean
  /** Joins the nodes that share this relay's address and store. By default Redis does, if the store is there. */
  readonly link?: (components: LinkComponents) => NodeLink
  /** Runs the jobs that a fleet does once. By default Redis shares them out, or they run here with those of this process. */
  readonly fleetJobs?: (components: TimerJobsComponents) => JobRunner
  /** A web server on the port of the relay: the connections of clients that send a server name are its own. */
  readonly web?: WebHandOver
}

/** What a link to other nodes is made with. */
export interface LinkComponents {
  /** Name of this node, as the store knows it: 32 hexadecimal digits that no other process has. */
  readonly node: string
  readonly clock: Clock
  readonly log: Log
  readonly random: () => number
}
