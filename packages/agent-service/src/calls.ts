import type { Agent } from "@sluice/agent/agent"
import { AgentError } from "@sluice/agent/errors"
import { AgentStoreError } from "@sluice/agent/store/agent-store"
import { z } from "zod"
import { type ErrorJson, errorJson, toJson } from "./schema/json.ts"
import { OPERATIONS } from "./schema/operations.ts"

/** What a call came to. */
export type Outcome = { readonly result: unknown } | { readonly error: ErrorJson }

/** Makes one call of the agent. Never rejects; `defect` gets what no agent should throw. */
export async function callAgent(
  agent: Agent,
  name: string,
  params: unknown,
  defect: (error: unknown) => void,
): Promise<Outcome> {
  const operation = Object.hasOwn(OPERATIONS, name) ? OPERATIONS[name] : undefined
  if (operation === undefined) return refused("there is no such call")
  const parsed = operation.params.safeParse(params ?? {})
  if (!parsed.success) return refused(z.prettifyError(parsed.error).replaceAll("\n", " "))
  try {
    // What the schema does not name stays here.
    return { result: operation.result.parse(toJson(await operation.run(agent, parsed.data))) }
  } catch (error) {
    if (error instanceof AgentError) return { error: errorJson(error) }
    if (error instanceof AgentStoreError) {
      return { error: { code: "STORE", message: error.message, temporary: false, details: { ...error.problem } } }
    }
    defect(error)
    return { error: { code: "FAILED", message: "a defect of the service, see its log", temporary: false } }
  }
}

/** The answer to what is not as the schema says. */
export function refused(message: string): Outcome {
  return { error: { code: "REQUEST", message, temporary: false } }
}
