import { expect } from "vitest"
import { type ClientProblem, SmpClientError } from "../src/client-error.ts"

/** The problem of the client error that a promise rejects with; fails for everything else. */
export async function problem(promise: Promise<unknown>): Promise<ClientProblem> {
  const error = await promise.then(
    (value) => expect.unreachable(`resolved with ${typeof value}`),
    (reason: unknown) => reason,
  )
  if (error instanceof SmpClientError) return error.problem
  throw error
}
