import type { CryptoBackend } from "@sluice/crypto/backend"
import type { NtfCommand } from "@sluice/ntf-protocol/commands"
import type { NtfResponse } from "@sluice/ntf-protocol/responses"
import type { CallOptions } from "@sluice/smp-client/request"
import type { AuthPrivateKey } from "@sluice/smp-protocol/authorization"
import type { CorrId, EntityId } from "@sluice/smp-protocol/types"

/** One command to send. */
export interface NtfRequest {
  readonly command: NtfCommand
  /** Token or subscription; default none. */
  readonly entityId?: EntityId | undefined
  /** Authorizes the command. */
  readonly key?: AuthPrivateKey | undefined
  /** Default: 24 fresh random bytes. */
  readonly corrId?: CorrId | undefined
}

/** Something that carries commands to one notification server: a connection, or a client that connects when needed. */
export interface NtfChannel {
  readonly crypto: CryptoBackend
  /**
   * Sends commands; those of one turn of the event loop share blocks where the version allows it. The promises are in the
   * order of the requests and resolve to the server's answer, an `ERR` included. They reject with `SmpClientError`, or the
   * reason of the signal.
   */
  send(requests: readonly NtfRequest[], call?: CallOptions): Promise<NtfResponse>[]
}
