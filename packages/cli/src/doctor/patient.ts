import type { Place, Settings } from "../place.ts"
import type { Machine } from "./machine.ts"

/** What is examined: a relay's place and settings on a machine. */
export interface Patient {
  readonly place: Place
  readonly settings: Settings
  readonly machine: Machine
}
