import type { CommandTag } from "@sluice/smp-protocol/commands"
import type { Client } from "./client.ts"
import { type Answer, failed, type Request } from "./request.ts"

/** Commands that need other machines: the proxy's, and name resolution. */
export type NetworkTag = "PRXY" | "PFWD" | "RFWD" | "RSLV"

export type NetworkRequest = { readonly [T in NetworkTag]: Request<T> }[NetworkTag]

/** Runs them. What a relay doesn't offer has an answer in the protocol. */
export interface NetworkCommands {
  run(client: Client, request: NetworkRequest): Promise<Answer>
}

/** Whether a command is answered on its own, when it is ready (transport.md §5.3). */
export function answersLater(tag: CommandTag): boolean {
  return tag === "PRXY" || tag === "PFWD" || tag === "RSLV"
}

/** A relay without proxying and without a resolver. */
export const NO_NETWORK: NetworkCommands = {
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
