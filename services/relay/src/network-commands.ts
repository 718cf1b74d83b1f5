import type { CommandOf } from "@sluice/smp-protocol/commands"
import type { Client } from "./client.ts"
import { type Answer, failed, type Request } from "./request.ts"

/** Commands that need other machines: the proxy's, and name resolution. */
export type NetworkTag = "PRXY" | "PFWD" | "RFWD" | "RSLV"

export type NetworkRequest = { readonly [T in NetworkTag]: Request<T> }[NetworkTag]

/** Which of them are answered on their own, when they are ready (transport.md §5.3). */
export function answersLater({ tag }: CommandOf<NetworkTag> | { readonly tag: string }): boolean {
  return tag === "PRXY" || tag === "PFWD" || tag === "RSLV"
}

/** Runs them. What a relay doesn't offer has an answer in the protocol. */
export interface NetworkCommands {
  run(client: Client, request: NetworkRequest): Promise<Answer>
  /** Resolves when the client may start another command that is answered later; it has a bounded number of them. */
  slot(client: Client): Promise<void> | undefined
}

/** A relay without proxying and without a resolver. */
export const NO_NETWORK: NetworkCommands = {
  slot: () => undefined,
  run: (_client, { command }) => {
    switch (command.tag) {
      case "PRXY":
        return Promise.resolve(failed({ type: "PROXY", error: { type: "BASIC_AUTH" } }))
      case "PFWD":
        return Promise.resolve(failed({ type: "PROXY", error: { type: "NO_SESSION" } }))
      case "RFWD":
        return Promise.resolve({ ...failed({ type: "CRYPTO" }), withoutEntity: true })
      case "RSLV":
        return Promise.resolve({ ...failed({ type: "NAME", error: { type: "NO_RESOLVER" } }), withoutEntity: true })
      default:
        return command satisfies never
    }
  },
}
