import type { RelayFigures } from "@sluice/relay/relay"
import type { Watcher } from "./relay-program.ts"

/** What somebody who watches sees. */
export interface View extends Omit<Watcher, "started"> {
  /** `read` gives what the status line is about. */
  started(relay: Greeted, read: () => RelayFigures): Promise<void>
}

/** What an address is made of. */
export interface Greeted {
  readonly port: number
  readonly fingerprint: Uint8Array
}
