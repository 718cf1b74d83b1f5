import type { Refused } from "@sluice/queue-store/queue-store"
import type { BlockingInfo, QueueRecord } from "@sluice/queue-store/records"
import type { CommandOf, CommandTag } from "@sluice/smp-protocol/commands"
import { commandError, type SmpError } from "@sluice/smp-protocol/errors"
import type { BrokerMessage } from "@sluice/smp-protocol/messages"
import type { CorrId, EntityId } from "@sluice/smp-protocol/types"
import type { Delivered, Outgoing } from "./client.ts"
import type { Subscription } from "./subscription.ts"

/** What became of one command that was to be verified. */
export type Verdict =
  | { readonly ok: true; readonly request: Request }
  | { readonly ok: false; readonly error: SmpError }

/** A record that may have been out of date when it decided about a command. */
export interface Basis {
  /** For the operation, which is refused when the record is another one. */
  readonly revision: string
  /** Decides by the record as it is now. */
  again(): Promise<Verdict>
}

/** A command that its key authorized. */
export interface Request<T extends CommandTag = CommandTag> {
  readonly corrId: CorrId
  readonly entityId: EntityId
  readonly command: CommandOf<T>
  /**
   * The queue as it was when the command was verified; absent for commands without one. Stores check again whatever
   * matters when they write.
   */
  readonly queue?: QueueRecord | undefined
  /** Of `SEND` and `ACK`, where the store remembers records (`QueueStore.recall`). */
  readonly basis?: Basis | undefined
  /** `CLR`: the key that wrote the blob when the command was verified. */
  readonly blobKey?: Uint8Array | undefined
}

/** A request whose command acts on a queue. */
export type QueueRequest<T extends CommandTag = CommandTag> = Request<T> & { readonly queue: QueueRecord }

/** The first message of a queue, that its subscription counts as delivered. */
export interface FirstMessage {
  readonly subscription: Subscription
  readonly outgoing: Outgoing
}

/** The answer to a command, and what has to follow it. */
export interface Answer {
  readonly message: BrokerMessage | Delivered
  /** The answer names no entity even though the command did. */
  readonly withoutEntity?: boolean
  /** Sent right after the answers of the unit: the first message after SUB. */
  readonly followedBy?: FirstMessage
}

export const OK: Answer = { message: { tag: "OK" } }

/** The answer that reports an error. */
export function failed(error: SmpError): Answer {
  return { message: { tag: "ERR", error } }
}

export const AUTH: Answer = failed({ type: "AUTH" })
export const PROHIBITED: Answer = failed(commandError("PROHIBITED"))
export const NO_MSG: Answer = failed({ type: "NO_MSG" })

export function blocked(info: BlockingInfo): Answer {
  return failed({ type: "BLOCKED", ...info })
}

/** A refusal of the store as the protocol says it: an operator's block by its name, all others AUTH (smp.md §2.9). */
export function refused(outcome: Refused): Answer {
  return outcome.refusal === "blocked" && outcome.info !== undefined ? blocked(outcome.info) : AUTH
}
