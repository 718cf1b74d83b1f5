import type { Server } from "@sluice/encoding/server-address"
import { connectNtf } from "@sluice/ntf-client/connect"
import type { NtfConnection } from "@sluice/ntf-client/connection"
import { nullToken } from "@sluice/ntf-protocol/device-token"
import type { AgentContext } from "../core/context.ts"
import type { AgentError } from "../errors.ts"
import { dialFor, reachable } from "../network/hosts.ts"
import { socksIdentity } from "../network/session-key.ts"
import { clientClock } from "../network/session-pool.ts"
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
    connection = await open(context, address, signal)
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

function open(
  { crypto, clock, pool, dial }: AgentContext,
  address: Server,
  signal: AbortSignal | undefined,
): Promise<NtfConnection> {
  const { settings } = pool
  const nobody = { userId: 0, connectionId: new Uint8Array(0) }
  const identity = socksIdentity("server", nobody, address, clock.now())
  return connectNtf(reachable(address, settings), {
    ...{ crypto, clock: clientClock(clock), patience: "interactive", signal },
    dial: dialFor(crypto, settings.socks, identity, dial),
  })
}
