import type { Integrity } from "@sluice/agent/protocol/integrity"
import type { ChatProfile } from "@sluice/chat-protocol/profile"
import type { Contact } from "./contacts.ts"

/** A text that came. */
export interface ReceivedText {
  /** By which its sender may change or delete it later. */
  readonly ref?: Uint8Array | undefined
  readonly text: string
  /** `text`, or what else it was: `image`, `file`, …, of which only the words are shown. */
  readonly kind: string
  /** The text that it answers. */
  readonly quoted?: string | undefined
  /** When the relay got it, seconds since 1970. */
  readonly at: number
  /** Whether messages are missing before it. */
  readonly integrity: Integrity
}

/** What happens in a chat. */
export type ChatEvent =
  /** Somebody new, not connected yet; the profile is what they or their link say. */
  | { readonly type: "contact"; readonly contact: Contact }
  | { readonly type: "connected"; readonly contact: Contact }
  | { readonly type: "profile"; readonly contact: Contact; readonly before: ChatProfile }
  | { readonly type: "message"; readonly contact: Contact; readonly message: ReceivedText }
  /** An earlier message has other words now, or none. */
  | {
      readonly type: "changed"
      readonly contact: Contact
      readonly ref: Uint8Array
      readonly text?: string | undefined
    }
  /** A relay has an own message. */
  | { readonly type: "sent"; readonly contact: Contact; readonly messageId: number }
  /** The other side has it. */
  | { readonly type: "received"; readonly contact: Contact; readonly messageId: number }
  | { readonly type: "failed"; readonly contact: Contact; readonly messageId: number; readonly reason: string }
  /** The other side has deleted this contact. */
  | { readonly type: "left"; readonly contact: Contact }
  /** Something that came can not be read, or something did not work. */
  | { readonly type: "trouble"; readonly reason: string }
  /** The last one. */
  | { readonly type: "closed" }
