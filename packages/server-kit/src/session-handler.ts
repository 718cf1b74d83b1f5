import type { CloseReason } from "@sluice/transport/errors"
import type { BlockSession, Reply } from "./protocol.ts"

/**
 * A block of so many commands is processed at once; one of more waits for its turn, so that many of them, as after a
 * restart, delay nobody else. So many authorizations are checked in half a millisecond, or 3 ms at the worst (Ed448).
 */
export const SHORT_UNIT = 8

/** Why a session came to its end. */
export type SessionEnd =
  /** As the stream says: the peer `ended` it, the connection was `cut` or `failed`, or this side `closed` it. */
  | CloseReason
  /** Idle for longer than the setting allows. */
  | "idle"
  /** The peer did not read for longer than the setting allows. */
  | "stalled"
  /** A defect in the handler or in the protocol; it was logged. */
  | "defect"
  /** The server is stopping. */
  | "drained"

/** A connection after its handshake, as its handler sees it. Compare sessions by identity. */
export interface Session<Params extends BlockSession, Command> {
  /** What the handshake agreed on. */
  readonly params: Params
  /** `false` from the end of the connection on; whatever is sent then is dropped. */
  readonly open: boolean
  /**
   * As much output waits as may wait: send no events until `drained` is called. It becomes true inside `push`, so
   * `while (!session.congested && ...) session.push(...)` stops in time. Commands of the session are not read meanwhile.
   */
  readonly congested: boolean
  /**
   * Sends a batch of events or late answers: in blocks of its own, in as few as fit, after everything sent before it.
   * `false` if the session has ended, or if so many batches wait already that this one was dropped; who heeds
   * {@link congested} does not see that. Throws `RangeError` for a transmission that no block can hold.
   */
  push(batch: readonly Reply[]): boolean
  /**
   * For a slow command that the result of `handle` says nothing about: its answer is sent alone when `work` resolves. A
   * rejection is a defect, logged and answered with the protocol's failure. As long as too many such commands are under
   * way (a setting), no further block of the session is processed.
   */
  answerLater(command: Command, work: Promise<Reply>): void
  /**
   * For `handle`, in a unit of more than {@link SHORT_UNIT} commands that keeps the processor busy: to be awaited after
   * each so many, so that other sessions are served meanwhile. Resolves when it may go on, before any other long unit
   * begins; at the end of the session, too.
   */
  turn(): Promise<void>
  /** Closes the connection after what was sent so far. */
  close(): void
}

/**
 * The service's side of one session. Whatever these methods throw is logged as a defect: from `handle` it is answered
 * with a failure of every command of the unit, from the others it ends the session.
 */
export interface SessionHandler<Command> {
  /**
   * Executes all good commands of one block; never called again before its promise has settled, and not while the
   * session is congested. The answers leave together, in as few blocks as fit. They should be in the order of the
   * commands; a command for which `answerLater` was called has none. Commands should be treated as concurrent
   * (transport.md §5.3): none may depend on the effect of another in the same block.
   */
  handle(commands: readonly Command[]): readonly Reply[] | Promise<readonly Reply[]>
  /** The answers of a unit were put behind everything sent before: the place to push events that must follow them. */
  answered?(): void
  /** The session is not congested any more. */
  drained?(): void
  /** Whether the session has subscriptions, which exempt it from the idle limit. */
  subscribed?(): boolean
  /** Called once, last. A unit may still be under way; its answers will be dropped. */
  closed?(end: SessionEnd): void
}

/** Makes the handler of a session, right after the handshake and before its first block. Must not throw. */
export type SessionFactory<Params extends BlockSession, Command> = (
  session: Session<Params, Command>,
) => SessionHandler<Command>
