import type { TextKey } from "../texts/en.ts"
import type { IconName } from "./icons.ts"

/** A kind of link, which is a page of its own. */
export interface LinkKind {
  /** Path of its links, without slashes. */
  readonly path: string
  readonly label: TextKey
  readonly icon: IconName
}

/** Paths of links that people open (short-links.md §10, relay-operations.md §8). */
export const KINDS: readonly LinkKind[] = [
  { path: "i", label: "kindInvitation", icon: "ticket" },
  { path: "a", label: "kindContact", icon: "person" },
  { path: "c", label: "kindChannel", icon: "channel" },
  { path: "g", label: "kindGroup", icon: "group" },
  { path: "r", label: "kindRelay", icon: "relay" },
  { path: "invitation", label: "kindInvitation", icon: "ticket" },
  { path: "contact", label: "kindContact", icon: "person" },
]
