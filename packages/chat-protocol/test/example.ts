import { decodeChatMessages, encodeChatMessage, MAX_CHAT_MESSAGE } from "@sluice/chat-protocol/codec"

/** What to send for a text, and what the other side will read. */
export function sayAndRead(text: string): { body: Uint8Array; read: string } {
  const body = encodeChatMessage({ event: "x.msg.new", content: { type: "text", text } }, MAX_CHAT_MESSAGE)
  const [message] = decodeChatMessages(body)
  return { body, read: message?.event === "x.msg.new" ? message.content.text : "" }
}
