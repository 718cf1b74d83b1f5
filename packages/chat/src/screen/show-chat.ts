import type { Chat } from "../chat.ts"
import type { Contact } from "../contacts.ts"

export interface ScreenOptions {
  readonly start: (tell: (made: { link: string; kind: "invitation" | "address" }) => void) => Promise<void>
  readonly to?: Contact | undefined
}

export async function showChat(_chat: Chat, { start }: ScreenOptions): Promise<void> {
  await start(() => undefined)
}
