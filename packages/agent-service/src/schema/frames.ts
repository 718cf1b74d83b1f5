import { z } from "zod"
import { agentEvent } from "./events.ts"
import { OPERATIONS } from "./operations.ts"
import { error } from "./values.ts"

/** Version of the frames; another one would not be understood by older clients. */
export const PROTOCOL = 1

const id = z.union([z.int(), z.string().max(64)]).describe("Chosen by the client; the answer carries the same.")

/** What a client sends: one call in each frame. */
export const request = z.strictObject({
  id,
  call: z.string().describe("Name of an operation, or `listen`."),
  params: z.unknown().optional().describe("What the operation takes; default nothing."),
})

/** The JSON schema of everything that travels, as `docs/agent-service.schema.json` has it. */
export function jsonSchema(): object {
  const definitions: Record<string, unknown> = {}
  const describe = (schema: z.ZodType, io: "input" | "output"): object => {
    const {
      $schema: _,
      $defs = {},
      ...rest
    } = z.toJSONSchema(schema, { io, unrepresentable: "any", override: open(io) })
    Object.assign(definitions, $defs)
    return rest
  }
  const operations = Object.entries(OPERATIONS).map(([name, { summary, params, result }]) => [
    name,
    { summary, params: describe(params, "input"), result: describe(result, "output") },
  ])
  const parts = {
    request: describe(request, "input"),
    error: describe(error, "output"),
    operations: Object.fromEntries(operations),
    event: describe(agentEvent, "output"),
  }
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "sluice agent",
    protocol: PROTOCOL,
    ...parts,
    $defs: definitions,
  }
}

/** What the service gives may get more fields in later versions; what it takes may not have any that it does not know. */
function open(io: "input" | "output") {
  return ({ jsonSchema: described }: { jsonSchema: { additionalProperties?: unknown } }): void => {
    if (io === "output" && described.additionalProperties === false) delete described.additionalProperties
  }
}
