import type { Server, ServerAddress } from "@sluice/encoding/server-address"
import { OperatorError } from "@sluice/ops/operator-error"
import { restoreLink } from "@sluice/short-links/presets"
import type { ShortLink } from "@sluice/short-links/short-link"
import type { SmpCommands } from "@sluice/smp-client/smp-commands"
import { withServer } from "../client-failure.ts"
import { withConnection } from "../queue/connection.ts"

/** Bytes of a fingerprint. */
const KEY_HASH_LENGTH = 32

/** Talks to a relay, directly or through a proxy. Failures are `CommandFailure`s that name the one they are about. */
export function withRelay<T>(
  server: Server,
  { proxy, timeout }: { readonly proxy: ServerAddress | undefined; readonly timeout: number },
  run: (relay: SmpCommands) => Promise<T>,
): Promise<T> {
  if (proxy === undefined) return withConnection(server, timeout, run)
  return withConnection(proxy, timeout, async (connection) => {
    const relay = await connection.openRelay(server)
    return await withServer(server, () => run(relay))
  })
}

/**
 * The link with the server that is to be asked: `known` tells what a link on a preset server leaves out. Throws
 * `OperatorError` where the fingerprint stays unknown, as then anybody could answer.
 */
export function reachable<L extends ShortLink>(link: L, known: Server | undefined): L {
  const restored = known === undefined ? link : restoreLink(link, [known])
  if (restored.server.keyHash.length === KEY_HASH_LENGTH) return restored
  throw new OperatorError("LINK does not name the fingerprint of its server; give its address with --server")
}
