import { utf8 } from "@sluice/encoding/bytes"
import { expect, it } from "vitest"
import type { Contact } from "../contacts.ts"
import type { ReceivedText } from "../events.ts"
import { happened, messageKey, NO_CONVERSATION, note, said, settled } from "./conversation.ts"

const bob: Contact = {
  connectionId: utf8("bob"),
  profile: { displayName: "Bob\u202e", description: "at work" },
  connected: true,
}
const carol: Contact = { connectionId: utf8("carol"), profile: { displayName: "Carol" }, connected: true }
const text = (words: string, more: Partial<ReceivedText> = {}): ReceivedText => ({
  ...{ text: words, kind: "text", at: 0, integrity: { type: "OK" } as const },
  ...more,
})

it("shows what comes, without what could disturb the terminal", () => {
  let state = happened(NO_CONVERSATION, { type: "connected", contact: bob })
  expect(state.partner).toBe(bob)
  state = happened(state, { type: "message", contact: bob, message: text("hi\u001b[2J there") })
  state = happened(state, { type: "message", contact: bob, message: text("look", { kind: "image", quoted: "this?" }) })
  const gap = { type: "SKIPPED", from: 3n, to: 4n } as const
  state = happened(state, { type: "message", contact: bob, message: text("late", { integrity: gap }) })
  expect(state.entries.map((entry) => entry.text)).toEqual([
    "Bob is connected (at work). Write, and press Enter.",
    "hi[2J there",
    "> this?\n[image] look",
    "messages of Bob are missing here",
    "late",
  ])
})

it("marks own messages, whatever comes first, and does not mix up those of others", () => {
  let state = said(NO_CONVERSATION, "one", messageKey(bob, 2))
  expect(settled(state)).toBe(0)
  state = happened(state, { type: "sent", contact: carol, messageId: 2 })
  expect(state.entries[0]?.mark).toBe("waiting")
  state = happened(state, { type: "received", contact: bob, messageId: 2 })
  state = happened(state, { type: "sent", contact: bob, messageId: 2 })
  expect(state.entries[0]?.mark).toBe("received")
  // The relay may have it before the call has returned.
  state = happened(state, { type: "sent", contact: bob, messageId: 3 })
  state = note(said(state, "two", messageKey(bob, 3)), "something else")
  expect(state.entries[1]?.mark).toBe("sent")
  expect(settled(state)).toBe(1)
  state = happened(state, { type: "failed", contact: bob, messageId: 3, reason: "gone" })
  expect(settled(state)).toBe(3)
})

it("tells changes as something new", () => {
  const ref = utf8("twelve bytes")
  let state = happened(NO_CONVERSATION, { type: "message", contact: bob, message: text("helo", { ref }) })
  state = happened(state, { type: "changed", contact: bob, ref, text: "hello" })
  state = happened(state, { type: "changed", contact: bob, ref })
  state = happened(state, { type: "changed", contact: bob, ref: utf8("another one.") })
  const before = bob.profile
  state = happened(state, { type: "profile", contact: { ...bob, profile: { displayName: "Robert" } }, before })
  state = happened(state, { type: "left", contact: carol })
  expect(state.entries.slice(1).map((entry) => entry.text)).toEqual([
    "Bob has changed “helo” to “hello”",
    "Bob has taken back “helo”",
    "Bob is Robert now",
    "Carol has deleted this contact",
  ])
})
