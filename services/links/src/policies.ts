/** What a relay does with queues and messages, as its page tells. Known where the relay runs in the same process. */
export interface RelayPolicies {
  /** What survives a restart. */
  readonly persistence: "memory" | "queues-and-messages"
  /** Milliseconds that an undelivered message is kept. */
  readonly messageLife: number
  /** Who may create queues. */
  readonly newQueues: "everybody" | "password" | "nobody"
  /** Name and version of the program. */
  readonly software: string
}
