import type { Credentials } from "@sluice/transport/credentials"

/** A server that listens for block sessions. Its `start` and `stop` are those of the ops package's `Service`. */
export interface BlockServer extends AsyncDisposable {
  /** Binds all addresses. Rejects with `OperatorError`, nothing bound, for an address that cannot be used. */
  start(signal?: AbortSignal): Promise<void>
  /** Where it listens, in the order of the options, with the ports that the system chose. Empty unless started. */
  readonly addresses: readonly ListenAddress[]
  /** Connections accepted from now on get this certificate; those in their handshake keep the one they have seen. */
  useCredentials(credentials: Credentials): void
  /**
   * Accepts no more, finishes and flushes what was read from the sessions, closes them, and resolves when every socket is
   * closed. When `deadline` aborts, what remains is cut. Can be called twice.
   */
  stop(deadline: AbortSignal): Promise<void>
}

/** An address that is listened on. */
export interface ListenAddress {
  readonly host: string
  readonly port: number
}
