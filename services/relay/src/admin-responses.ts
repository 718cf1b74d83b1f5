import type { AdminResponse } from "@sluice/ops/admin-server"

/** The properties of a body that is an object; nothing is known about them. */
export function fields(body: unknown): Readonly<Record<string, unknown>> {
  return typeof body === "object" && body !== null ? (body as Readonly<Record<string, unknown>>) : {}
}

/** An answer that says no, and why. */
export function refused(status: number, error: string): AdminResponse {
  return { status, body: { error } }
}
