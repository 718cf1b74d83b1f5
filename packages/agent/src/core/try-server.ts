import type { Server } from "@sluice/encoding/server-address"
import type { AgentError } from "../errors.ts"
import { type OwnConnectionOptions, type OwnConnectionParts, ownConnection } from "./own-connection.ts"

/** Where a test of a server ended. */
export interface FailedStep<Step extends string> {
  readonly step: Step
  readonly error: AgentError
}

/** How servers of one kind are tested. */
export interface ServerTrial<Step extends string, Address extends Server, Connection extends Closable> {
  connect(server: Address, options: OwnConnectionOptions): Promise<Connection>
  /** Asks for everything that such a server is there for; says of each step that it begins. */
  ask(connection: Connection, begin: (step: Step) => void): Promise<void>
  /** A failure as the agent calls it. */
  errorOf(reason: unknown): AgentError
}

interface Closable {
  close(): Promise<void>
}

/**
 * Tests a server on a connection of its own, which is closed in the end: the step that failed, `undefined` if none did.
 * Rejects only with the reason of the signal.
 */
export async function tryServer<Step extends string, Address extends Server, Connection extends Closable>(
  parts: OwnConnectionParts,
  address: Address,
  { connect, ask, errorOf }: ServerTrial<Step, Address, Connection>,
  signal: AbortSignal | undefined,
): Promise<FailedStep<Step | "connect" | "disconnect"> | undefined> {
  let step: Step | "connect" | "disconnect" = "connect"
  let connection: Connection | undefined
  try {
    const { server, options } = ownConnection(parts, address)
    connection = await connect(server, { ...options, signal })
    await ask(connection, (next) => {
      step = next
    })
    step = "disconnect"
    await connection.close()
    return undefined
  } catch (reason) {
    const closed = connection?.close()
    signal?.throwIfAborted()
    await closed
    return { step, error: errorOf(reason) }
  }
}
