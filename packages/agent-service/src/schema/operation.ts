import type { Agent } from "@sluice/agent/agent"
import type { z } from "zod"
import type { Json } from "./json.ts"

/** One call that clients can make: how it is asked, what it answers, and what it does. */
export interface Operation<P extends z.ZodType = z.ZodType, R extends z.ZodType = z.ZodType> {
  readonly summary: string
  readonly params: P
  readonly result: R
  /** Rejects with `AgentError`. What it gives becomes JSON that is as `result` says. */
  readonly run: (agent: Agent, params: z.output<P>) => Promise<object> | object
}

/** An operation whose result is checked against its schema by the compiler. */
export function operation<P extends z.ZodType, R extends z.ZodType, T extends object>(
  summary: string,
  schemas: { readonly params: P; readonly result: R },
  run: (agent: Agent, params: z.output<P>) => Promise<T & ([Json<T>] extends [z.input<R>] ? T : never)>,
): Operation {
  // What `params` gives is what `run` takes; the table of all operations can not say so.
  return { summary, ...schemas, run: run as Operation["run"] }
}
