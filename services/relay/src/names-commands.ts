import type { NamesResolver, Resolution } from "./names-resolver.ts"
import type { NetworkPart } from "./network-commands.ts"
import { type Answer, failed } from "./request.ts"
import type { NameStatistics } from "./statistics.ts"

const NO_RESOLVER: Answer = { ...failed({ type: "NAME", error: { type: "NO_RESOLVER" } }), withoutEntity: true }
const NOT_FOUND: Answer = { ...failed({ type: "NAME", error: { type: "NOT_FOUND" } }), withoutEntity: true }

/** `RSLV` (smp.md §2.7), of a client or forwarded by a proxy. Without a resolver the protocol has an answer, too. */
export function namesCommands(
  resolver: Pick<NamesResolver, "resolve"> | undefined,
  statistics: NameStatistics,
): NetworkPart<"RSLV"> {
  return {
    run: async (_client, { command }) => {
      statistics.requests++
      if (resolver === undefined) {
        statistics.disabled++
        return NO_RESOLVER
      }
      return answer(await resolver.resolve(command.name), statistics)
    },
  }
}

function answer(resolution: Resolution, statistics: NameStatistics): Answer {
  switch (resolution.result) {
    case "found":
      statistics.success++
      return { withoutEntity: true, message: { tag: "RNAME", record: resolution.record } }
    case "not-found":
      statistics.notFound++
      return NOT_FOUND
    case "failed":
      statistics.resolverErrors++
      return { ...failed({ type: "NAME", error: { type: "RESOLVER", text: resolution.text } }), withoutEntity: true }
    default:
      return resolution satisfies never
  }
}
