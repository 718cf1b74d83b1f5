import type { ServerAddress } from "@sluice/encoding/server-address"
import { connect } from "@sluice/smp-client/connect"
import type { SmpConnection } from "@sluice/smp-client/connection"
import type { AgentError } from "../errors.ts"
import { asAgentError, networkError } from "../network/network-error.ts"
import type { OwnConnectionParts } from "./own-connection.ts"
import { type FailedStep, tryServer } from "./try-server.ts"

/** What a relay is asked for, in this order. */
export type ServerTestStep = "connect" | "create-queue" | "secure-queue" | "delete-queue" | "disconnect"

/** Where a test of a relay ended. */
export type ServerTestFailure = FailedStep<ServerTestStep>

/**
 * Whether a relay can be used with this address: makes, secures and deletes a queue on a connection of its own (agent.md
 * §17). `undefined` if it can.
 */
export function testServer(
  parts: OwnConnectionParts,
  address: ServerAddress,
  signal: AbortSignal | undefined,
): Promise<ServerTestFailure | undefined> {
  const ask = async (relay: SmpConnection, begin: (step: ServerTestStep) => void): Promise<void> => {
    begin("create-queue")
    const queue = await relay.createQueue({ subscribe: false }, { signal })
    begin("secure-queue")
    await relay.secure(queue, parts.crypto.generateKeyPair("ed25519").publicKey, { signal })
    begin("delete-queue")
    await relay.deleteQueue(queue, { signal })
  }
  const errorOf = (reason: unknown): AgentError => asAgentError(networkError(reason, { server: address }))
  return tryServer(parts, address, { connect, ask, errorOf }, signal)
}
