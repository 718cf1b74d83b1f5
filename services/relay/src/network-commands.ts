import type { CommandTag } from "@sluice/smp-protocol/commands"
import type { Client } from "./client.ts"
import { type Answer, failed, type Request } from "./request.ts"

/** Commands that need other machines: the proxy's, and name resolution. */
export type NetworkTag = "PRXY" | "PFWD" | "RFWD" | "RSLV"

export type NetworkRequest<T extends NetworkTag = NetworkTag> = { readonly [U in T]: Request<U> }[T]

/** Runs them. What a relay doesn't offer has an answer in the protocol. */
export interface NetworkCommands {
  run(client: Client, request: NetworkRequest): Promise<Answer>
  /** Whether the command is answered on its own, where its tag alone does not say so. */
  answersLater?(client: Client, request: NetworkRequest): boolean
  /** The client has disconnected: what was begun for it can be given up. */
  closed?(client: Client): void
}

/** Runs some of them. */
export interface NetworkPart<T extends NetworkTag> {
  run(client: Client, request: NetworkRequest<T>): Promise<Answer>
  answersLater?(client: Client, request: NetworkRequest<T>): boolean
  closed?(client: Client): void
}

export function isNetworkTag(tag: CommandTag): tag is NetworkTag {
  return tag === "PRXY" || tag === "PFWD" || tag === "RFWD" || tag === "RSLV"
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

/** One object of the parts that a relay has; commands of a part that it lacks are answered as by {@link NO_NETWORK}. */
export function combineNetwork(parts: {
  readonly proxying?: NetworkPart<"PRXY" | "PFWD" | "RFWD"> | undefined
  readonly names?: NetworkPart<"RSLV"> | undefined
}): NetworkCommands {
  const proxying: NetworkPart<"PRXY" | "PFWD" | "RFWD"> = parts.proxying ?? NO_NETWORK
  const names: NetworkPart<"RSLV"> = parts.names ?? NO_NETWORK
  return {
    run: (client, request) => {
      if (isLookUp(request)) return names.run(client, request)
      if (request.command.tag === "RFWD") client.forwards = true
      return proxying.run(client, request as NetworkRequest<"PRXY" | "PFWD" | "RFWD">)
    },
    answersLater: (client, request) => {
      if (isLookUp(request)) return true
      const forwarding = request as NetworkRequest<"PRXY" | "PFWD" | "RFWD">
      return proxying.answersLater?.(client, forwarding) ?? answersLater(request.command.tag)
    },
    closed: (client) => {
      proxying.closed?.(client)
      names.closed?.(client)
    },
  }
}

function isLookUp(request: NetworkRequest): request is NetworkRequest<"RSLV"> {
  return request.command.tag === "RSLV"
}
