import type { Place } from "../place.ts"
import type { Machine } from "./machine.ts"
import type { Subject } from "./subject.ts"

/** What is examined: a service at its place on a machine. */
export interface Patient {
  readonly place: Place
  readonly subject: Subject
  readonly machine: Machine
}
