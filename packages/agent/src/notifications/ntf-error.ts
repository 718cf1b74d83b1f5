import type { Server } from "@sluice/encoding/server-address"
import { isClientError } from "@sluice/smp-client/client-error"
import { AgentError } from "../errors.ts"
import { asAgentError, networkError, withoutPassword } from "../network/network-error.ts"

/** A failure with a notification server as the agent calls it. */
export function ntfError(error: unknown, server: Server): AgentError {
  if (isClientError(error) && error.problem.code === "ERR") {
    const problem = { code: "NTF", server: withoutPassword(server), error: error.problem.error } as const
    return new AgentError(problem, { cause: error })
  }
  return asAgentError(networkError(error, { server }))
}

/** Whether the server does not know what it was asked about, or not with this key. */
export function isUnknown(error: unknown): boolean {
  return error instanceof AgentError && error.problem.code === "NTF" && error.problem.error.type === "AUTH"
}
