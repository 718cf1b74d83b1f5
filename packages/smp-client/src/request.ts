import type { CryptoBackend } from "@sluice/crypto/backend"
import type { KeyPair } from "@sluice/crypto/keys"
import type { AuthPrivateKey } from "@sluice/smp-protocol/authorization"
import type { Command } from "@sluice/smp-protocol/commands"
import type { BrokerMessage } from "@sluice/smp-protocol/messages"
import type { CorrId, EntityId } from "@sluice/smp-protocol/types"
import type { Clock } from "./clock.ts"

/** A pair of keys that authorizes commands. */
export type AuthKeyPair = KeyPair<"ed25519"> | KeyPair<"ed448"> | KeyPair<"x25519">

/** One command to send. */
export interface Request<C extends Command = Command> {
  readonly command: C
  /** Queue, link, notifier or relay session; default none. */
  readonly entityId?: EntityId | undefined
  /** Authorizes the command. A service connection adds its own signature where the protocol wants one. */
  readonly key?: AuthPrivateKey | undefined
  /** `SUBS` and `NSUBS`: the entity is the service of the session, and its session key authorizes. */
  readonly asService?: boolean | undefined
  /** Default: 24 fresh random bytes. It must be unique in the connection, as it is a nonce. */
  readonly corrId?: CorrId | undefined
}

/** What every call accepts. */
export interface CallOptions {
  /** Gives up waiting; the call rejects with the reason of the signal. What was sent already stays sent. */
  readonly signal?: AbortSignal | undefined
  /** Time to wait for the answer, ms, instead of the connection's setting; extended by the queue length like that. */
  readonly timeoutMs?: number | undefined
}

/**
 * Something that carries commands to one server: a connection, or a managed client that connects when needed. All typed
 * commands are written on top of this.
 */
export interface CommandChannel {
  readonly crypto: CryptoBackend
  readonly clock: Clock
  /** Password for `NEW` and `PRXY`, from the address of the server. */
  readonly password: string | undefined
  /**
   * Sends commands; those of one turn of the event loop share blocks. The promises are in the order of the requests and
   * resolve to the server's answer, an `ERR` included. They reject with `SmpClientError`, or the reason of the signal.
   */
  send(requests: readonly Request[], call?: CallOptions): Promise<BrokerMessage>[]
}

/** Result of one of many commands. */
export type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown }
