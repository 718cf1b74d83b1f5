import type { Server, ServerAddress } from "@sluice/encoding/server-address"
import { connect } from "@sluice/smp-client/connect"
import type { SmpConnection } from "@sluice/smp-client/connection"
import { withServer } from "../client-failure.ts"

/**
 * Connects, does something, and closes. `timeoutMs` is for connecting and for each answer. Failures of the network and
 * refusals of the server are `CommandFailure`s.
 */
export function withConnection<T>(
  server: Server | ServerAddress,
  timeoutMs: number,
  run: (connection: SmpConnection) => Promise<T>,
): Promise<T> {
  return withServer(server, async () => {
    await using connection = await connect(server, { connectTimeoutMs: timeoutMs, commandTimeoutMs: timeoutMs })
    return await run(connection)
  })
}
