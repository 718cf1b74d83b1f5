import type { CryptoBackend } from "@sluice/crypto/backend"
import type { Version } from "@sluice/encoding/version"
import type { ReceivedCommand } from "@sluice/smp-protocol/block"
import type { BrokerMessage } from "@sluice/smp-protocol/messages"
import { ForwardedCommand, type ForwardRequest, type HopSession } from "./forwarded-command.ts"

/**
 * What a relay does with the commands that proxies forward to it: `SEND`, `SKEY`, `LKEY`, `LGET`, `RSLV`, and no others.
 */
export interface ForwardedExecutor {
  /**
   * Authorizes a command and runs it, exactly as if its sender were connected directly, with two differences: the session
   * is that of the proxy's connection, whose session key opens X25519 authorizations, and there is no service, even if
   * the proxy is one. `version` is the one that the client named; it decides what is allowed by version, such as the
   * longest body. Gives the answer, `ERR` included. The command's bytes are its own.
   */
  execute(received: ReceivedCommand, version: Version): BrokerMessage | Promise<BrokerMessage>
  /** Counts a command that was forwarded to here, whatever its answer (`pMsgFwdsRecv`). */
  forwarded?(): void
}

/**
 * The relay's side of private routing: the answer to `RFWD`, which is `RRES`, or `ERR` in clear (proxy.md §6). Commands of
 * one connection must be run in the order in which they came, one after the other; only `RSLV` may take its time beside
 * them, see {@link ForwardedCommand}. Rejects only with what the executor throws.
 */
export async function runForwarded(
  crypto: CryptoBackend,
  session: HopSession,
  request: ForwardRequest,
  executor: ForwardedExecutor,
): Promise<BrokerMessage> {
  const opened = ForwardedCommand.open(crypto, session, request)
  return opened instanceof ForwardedCommand ? answerForwarded(opened, executor) : { tag: "ERR", error: opened }
}

/** The second half of {@link runForwarded}, for a caller that looks at the command in between. */
export async function answerForwarded(command: ForwardedCommand, executor: ForwardedExecutor): Promise<BrokerMessage> {
  executor.forwarded?.()
  const { inside, version } = command
  return command.seal(
    inside.run ? await executor.execute(inside.received, version) : { tag: "ERR", error: inside.error },
  )
}
