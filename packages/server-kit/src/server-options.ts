import type { Socket } from "node:net"
import type { TLSSocket } from "node:tls"
import type { CryptoBackend } from "@sluice/crypto/backend"
import type { Bind } from "@sluice/ops/bind"
import type { Clock } from "@sluice/ops/clock"
import type { Log } from "@sluice/ops/log"
import type { Credentials } from "@sluice/transport/credentials"
import type { SharedWeb } from "@sluice/transport/tls"
import type { BlockProtocol, BlockSession } from "./protocol.ts"
import type { ServerMetrics } from "./server-metrics.ts"
import type { ServerSettings } from "./server-settings.ts"
import type { SessionFactory } from "./session-handler.ts"
import type { EventLoop } from "./turns.ts"

/**
 * Where a connection comes from, for the limits per source: an IP address, or `undefined` when it is not known, which
 * exempts the connection from them. Called before anything was read from the socket, which is paused; a provider that
 * reads must leave what follows its header in the socket (`unshift`). A rejection closes the connection.
 */
export type SourceProvider = (socket: Socket) => string | undefined | Promise<string | undefined>

/** A web server on the same port. The connections of clients that send a server name (SNI) are its own from then on. */
export interface WebHandOver {
  /** Certificate for those clients. */
  readonly tls: SharedWeb
  /**
   * Takes over a socket after TLS was set up: `server.emit("connection", socket)` of an HTTP server, for example. `source`
   * is what limits count the client as, see `sourceOf`; behind a balancer, the socket's own address is another one.
   */
  accept(socket: TLSSocket, source: string | undefined): void
}

/** What a server is made of. */
export interface ServerOptions<Params extends BlockSession, Command> {
  /** Where to listen; port 0 takes a free one. */
  readonly listen: readonly Bind[]
  /** Lets other processes of this user listen there, too; the system deals connections out among them (`SO_REUSEPORT`). */
  readonly sharePort?: boolean | undefined
  /** The first credentials; `useCredentials` replaces them. */
  readonly credentials: Credentials
  readonly protocol: BlockProtocol<Params, Command>
  readonly sessions: SessionFactory<Params, Command>
  readonly settings: ServerSettings
  readonly web?: WebHandOver | undefined
  /** By default the peer's address of the socket or, from the balancers of the settings, what the PROXY header says. */
  readonly source?: SourceProvider | undefined
}

/** What a server uses; tests pass fakes. */
export interface ServerComponents {
  readonly crypto: CryptoBackend
  readonly clock: Clock
  readonly log: Log
  readonly metrics: ServerMetrics
  /** Default that of Node.js. */
  readonly loop?: EventLoop | undefined
}
