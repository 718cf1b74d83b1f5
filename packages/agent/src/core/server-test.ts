import type { ServerAddress } from "@sluice/encoding/server-address"
import { connect } from "@sluice/smp-client/connect"
import type { SmpConnection } from "@sluice/smp-client/connection"
import type { AgentError } from "../errors.ts"
import { asAgentError, networkError } from "../network/network-error.ts"
import type { AgentContext } from "./context.ts"
import { ownConnection } from "./own-connection.ts"

/** What a server is asked for, in this order. */
export type ServerTestStep = "connect" | "create-queue" | "secure-queue" | "delete-queue" | "disconnect"

/** Where a test of a server ended. */
export interface ServerTestFailure {
  readonly step: ServerTestStep
  readonly error: AgentError
}

/**
 * Whether a server can be used with this address: makes, secures and deletes a queue on a connection of its own (agent.md
 * §17). `undefined` if it can.
 */
export async function testServer(
  context: AgentContext,
  address: ServerAddress,
  signal: AbortSignal | undefined,
): Promise<ServerTestFailure | undefined> {
  let step: ServerTestStep = "connect"
  let connection: SmpConnection | undefined
  try {
    const { server, options } = ownConnection(context, address)
    connection = await connect(server, { ...options, signal })
    step = "create-queue"
    const queue = await connection.createQueue({ subscribe: false }, { signal })
    step = "secure-queue"
    await connection.secure(queue, context.crypto.generateKeyPair("ed25519").publicKey, { signal })
    step = "delete-queue"
    await connection.deleteQueue(queue, { signal })
    step = "disconnect"
    await connection.close()
    return undefined
  } catch (error) {
    signal?.throwIfAborted()
    await connection?.close()
    return { step, error: asAgentError(networkError(error, { server: address })) }
  }
}
