import type { Server as TlsServer } from "node:tls"
import type { Credentials } from "@sluice/transport/credentials"
import type { Admission } from "./admission.ts"
import type { HandshakeGate } from "./handshake-gate.ts"
import type { BlockSession } from "./protocol.ts"
import type { ServerComponents, ServerOptions, SourceProvider } from "./server-options.ts"
import type { Turns } from "./turns.ts"

/** What connections share; one for each server. */
export interface ServerShared<Params extends BlockSession, Command> {
  readonly options: ServerOptions<Params, Command>
  readonly components: ServerComponents
  readonly admission: Admission
  /** Where connections come from. */
  readonly source: SourceProvider
  readonly gate: HandshakeGate
  /** What long blocks of all sessions wait for. */
  readonly turns: Turns
  /** Sets TLS up on a socket; it appears as 'secureConnection'. */
  readonly tls: TlsServer
  /** The credentials in use, the newest first; an earlier one serves handshakes that began with it. */
  readonly credentials: readonly Credentials[]
  readonly draining: boolean
}
