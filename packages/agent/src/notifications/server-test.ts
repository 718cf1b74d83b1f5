import type { Server } from "@sluice/encoding/server-address"
import { connectNtf } from "@sluice/ntf-client/connect"
import type { NtfConnection } from "@sluice/ntf-client/connection"
import { nullToken } from "@sluice/ntf-protocol/device-token"
import type { AgentContext } from "../core/context.ts"
import { ownConnection } from "../core/own-connection.ts"
import type { AgentError } from "../errors.ts"
import { ntfError } from "./ntf-error.ts"

/** What a notification server is asked for, in this order. */
export type NtfTestStep = "connect" | "create-token" | "delete-token" | "disconnect"

/** Where a test of a notification server ended. */
export interface NtfTestFailure {
  readonly step: NtfTestStep
  readonly error: AgentError
}

/**
 * Whether a notification server can be used with this address: registers and deletes a token that is never pushed to, on a
 * connection of its own (notifications-client.md §3.6). `undefined` if it can.
 */
export async function testNtfServer(
  context: AgentContext,
  address: Server,
  signal: AbortSignal | undefined,
): Promise<NtfTestFailure | undefined> {
  let step: NtfTestStep = "connect"
  let connection: NtfConnection | undefined
  try {
    const { server, options } = ownConnection(context, address)
    connection = await connectNtf(server, { ...options, signal })
    step = "create-token"
    const keys = connection.registrationKeys()
    const { tokenId } = await connection.registerToken(nullToken(), keys, { signal })
    step = "delete-token"
    await connection.deleteToken({ tokenId, key: keys.authKeys.privateKey }, { signal })
    step = "disconnect"
    await connection.close()
    return undefined
  } catch (error) {
    signal?.throwIfAborted()
    await connection?.close()
    return { step, error: ntfError(error, address) }
  }
}
