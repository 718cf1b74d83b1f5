import type { MsgId } from "@sluice/smp-protocol/types"

/** A message as a server delivered it, opened from the server's box. */
export interface Arrival {
  readonly serverId: MsgId
  /** Seconds since the epoch. */
  readonly serverTime: number
  readonly notify: boolean
  readonly body: Uint8Array
}

/** Who acknowledges to the server: the agent at once, or the user. */
export type AckBy = "agent" | "user"
