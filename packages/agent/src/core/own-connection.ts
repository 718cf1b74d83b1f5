import type { Server } from "@sluice/encoding/server-address"
import { clientClock } from "@sluice/smp-client/clock"
import type { ConnectOptions } from "@sluice/smp-client/connect"
import { dialFor, reachable } from "../network/hosts.ts"
import { NOBODY, socksIdentity } from "../network/session-key.ts"
import type { SessionPool } from "../network/session-pool.ts"
import type { AgentBase } from "./base.ts"

/** What a connection outside of all sessions needs. */
export interface OwnConnectionParts extends Pick<AgentBase, "crypto" | "clock" | "dial"> {
  readonly pool: Pick<SessionPool, "settings">
}

/** How such a connection is made, by clients of all kinds of servers. */
export type OwnConnectionOptions = Pick<ConnectOptions, "crypto" | "clock" | "patience" | "dial" | "signal">

/** How a connection outside of all sessions is made, for the test of a server that somebody waits for. */
export function ownConnection<S extends Server>(
  { crypto, clock, pool, dial }: OwnConnectionParts,
  server: S,
): { readonly server: S; readonly options: OwnConnectionOptions } {
  const { settings } = pool
  const identity = socksIdentity("server", NOBODY, server, clock.now())
  const options = {
    ...{ crypto, clock: clientClock(clock), patience: "interactive" as const },
    dial: dialFor(crypto, settings.socks, identity, dial),
  }
  return { server: reachable(server, settings), options }
}
