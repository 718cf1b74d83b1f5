// What calls that make connections can be told, the same for those that are made at once and those that are stored.
import type { CreateOptions } from "@sluice/agent/core/create"
import type { JoinOptions } from "@sluice/agent/core/join"
import { privateKey } from "@sluice/crypto/keys"
import { nativeCrypto } from "@sluice/crypto/native"
import { z } from "zod"
import { bytesIn, bytesOf } from "./values.ts"

const newConnectionId = bytesIn(
  "ID for the new connection, 12 random bytes: repeating a call that has failed with the same one goes on where it was.",
).optional()

const subscribe = z
  .boolean()
  .optional()
  .describe("False: its messages are fetched with `fetchMessages`, never received by themselves. Default true.")

/** What an address can be. */
export const addressOptions = {
  keys: z.enum(["use", "link", "off"]).optional().describe("Where post-quantum keys are. Default `link`."),
  linkData: bytesIn("What is read behind the short link; without it there is none.").optional(),
  clientData: z.string().optional().describe("Text inside of the link."),
  subscribe,
  connectionId: newConnectionId,
  rootKeys: bytesOf(32, "Signs what is behind the short link: the seed of an Ed25519 key, 32 bytes. Default a new one.")
    .transform((seed) => {
      const own = privateKey("ed25519", seed)
      return { privateKey: own, publicKey: nativeCrypto.publicKeyOf(own) }
    })
    .optional(),
  linkEntityId: bytesIn("The program's own ID of what is behind the short link, at most 255 bytes.").optional(),
}

/** What a new invitation or address can be. */
export const createOptions = {
  kind: z.enum(["invitation", "contact"]).optional().describe("Default `invitation`."),
  ...addressOptions,
}

/** How a request of a contact address is accepted. */
export const acceptOptions = {
  info: bytesIn("What the other side is told about this one."),
  pq: z.boolean().optional().describe("Post-quantum keys. Default true."),
  connectionId: newConnectionId,
}

/** How a link is used. */
export const joinOptions = { ...acceptOptions, subscribe }

/** Options of the agent that are not here; a signal does not travel. */
type Missing<O, S> = Exclude<keyof O, keyof S | "signal">

/** The compiler compares these with the agent's own. */
export const COMPLETE: [
  Missing<CreateOptions, typeof createOptions> | Missing<JoinOptions, typeof joinOptions>,
] extends [never]
  ? true
  : never = true
