import type { BatchItem } from "@sluice/smp-protocol/batch"
import type { BlockCodec } from "@sluice/transport/block-codec"
import type { BlockStream } from "@sluice/transport/block-stream"
import type { Credentials } from "@sluice/transport/credentials"
import type { AcceptedTls } from "@sluice/transport/tls-connection"

/**
 * One transmission of the server without its length prefix: its bytes, or an item that is written (and encrypted) only
 * when it goes into its block. Must not be changed after it was handed over.
 */
export type Reply = Uint8Array | BatchItem

/** What the kit itself needs of a session after the handshake. `SessionParams` of the transport package fits. */
export interface BlockSession {
  /** Turns contents into blocks and back; used for this connection alone. */
  readonly blockCodec: BlockCodec
  /** `false`: one transmission in each block, without count and length (notifications.md §2.3, v1). Default `true`. */
  readonly batching?: boolean
}

/** A connection after TLS was set up, for the handshake of the protocol. */
export interface Link {
  /** What the TLS connection was set up with; a hello must be signed with the key of these. */
  readonly credentials: Credentials
  /** Session id, ALPN and certificates of the client. */
  readonly tls: AcceptedTls
  /** Milliseconds that are left for the handshake. */
  readonly timeoutMs: number
}

/** What a received block holds. */
export interface DecodedBlock<Command> {
  /** Good commands, in the order of the block. Their bytes may be views on the block. */
  readonly commands: readonly Command[]
  /** Answers to everything else in the block, in order; sent at once, so they may overtake earlier commands. */
  readonly errors: readonly Reply[]
}

/** A protocol of fixed-size blocks. Everything in it is trusted code: it may throw only where that is said. */
export interface BlockProtocol<Params extends BlockSession, Command> {
  /** Bytes of a block on the wire. */
  readonly blockSize: number
  /** ALPN names that are accepted, best first; default those of SMP. */
  readonly alpn?: readonly string[]
  /**
   * Runs the server's side of the handshake. The stream has no handler yet and is paused; it must be paused again at the
   * end. Rejects, with `TransportError` for everything that a peer can cause, after closing the stream.
   */
  handshake(stream: BlockStream, link: Link): Promise<Params>
  /**
   * Reads the content of a block, `undefined` for a block that did not decrypt or un-pad. Must not throw, whatever a
   * peer sends. The content may be overwritten.
   */
  decode(content: Uint8Array | undefined, params: Params): DecodedBlock<Command>
  /** Answer to a command that could not be handled because of a defect (`ERR INTERNAL`). */
  failure(command: Command, params: Params): Reply
}
