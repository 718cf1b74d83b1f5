import type { Server } from "@sluice/encoding/server-address"
import { connectNtf } from "@sluice/ntf-client/connect"
import type { NtfConnection } from "@sluice/ntf-client/connection"
import { nullToken } from "@sluice/ntf-protocol/device-token"
import type { OwnConnectionParts } from "../core/own-connection.ts"
import { type FailedStep, tryServer } from "../core/try-server.ts"
import type { AgentError } from "../errors.ts"
import { ntfError } from "./ntf-error.ts"

/** What a notification server is asked for, in this order. */
export type NtfTestStep = "connect" | "create-token" | "delete-token" | "disconnect"

/** Where a test of a notification server ended. */
export type NtfTestFailure = FailedStep<NtfTestStep>

/**
 * Whether a notification server can be used with this address: registers and deletes a token that is never pushed to, on a
 * connection of its own (notifications-client.md §3.6). `undefined` if it can.
 */
export function testNtfServer(
  parts: OwnConnectionParts,
  address: Server,
  signal: AbortSignal | undefined,
): Promise<NtfTestFailure | undefined> {
  const ask = async (server: NtfConnection, begin: (step: NtfTestStep) => void): Promise<void> => {
    begin("create-token")
    const keys = server.registrationKeys()
    const { tokenId } = await server.registerToken(nullToken(), keys, { signal })
    begin("delete-token")
    await server.deleteToken({ tokenId, key: keys.authKeys.privateKey }, { signal })
  }
  const errorOf = (reason: unknown): AgentError => ntfError(reason, address)
  return tryServer(parts, address, { connect: connectNtf, ask, errorOf }, signal)
}
