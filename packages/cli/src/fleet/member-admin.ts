import type { AdminRequest, AdminResponse, AdminRoute } from "@sluice/ops/admin-server"
import type { Log } from "@sluice/ops/log"
import type { Secret } from "@sluice/ops/secret"
import { type Exposition, mergeMetrics } from "./merged-metrics.ts"

/** A member's own server for operators, which listens only on this machine. */
export interface MemberAdmin {
  readonly index: number
  readonly adminPort: number
}

export interface FleetAdminParts {
  /** The members that serve. */
  readonly members: () => readonly MemberAdmin[]
  readonly token: Secret | undefined
  /** Restarts all members, one after the other. */
  readonly restart: () => Promise<void>
  readonly log: Log
}

/** Longest wait for a member's answer, milliseconds: less than Prometheus waits for ours. */
const PATIENCE = 8_000
/** The same for a copy of the store, which takes as long as reading its file: what `fetch` waits at the longest. */
const SNAPSHOT_PATIENCE = 290_000

/** The metrics of all members that answer, beside those of the supervisor. */
export async function fleetMetrics(own: string, members: readonly MemberAdmin[]): Promise<string> {
  const theirs = await Promise.all(
    members.map(async (member): Promise<Exposition[]> => {
      try {
        const text = await (await ask(member, "metrics", { method: "GET" })).text()
        return [{ worker: String(member.index), text }]
      } catch {
        // It is being restarted, or hangs: the number of samples tells, and the others must be seen.
        return []
      }
    }),
  )
  return mergeMetrics([{ text: own }, ...theirs.flat()])
}

/**
 * The administrators' routes of a fleet. What concerns a queue or the store is done by one member, what concerns processes
 * by all; figures are added up.
 */
export function fleetRoutes(parts: FleetAdminParts): AdminRoute[] {
  const { restart, log } = parts
  const route =
    (run: typeof byOne) =>
    (method: AdminRoute["method"], path: string): AdminRoute => ({
      method,
      path,
      handle: (request) => run(parts, { method, path, request }),
    })
  const [one, all] = [route(byOne), route(byAll)]
  return [
    all("GET", "/statistics"),
    all("GET", "/sessions"),
    one("POST", "/queue/status"),
    one("POST", "/queue/block"),
    one("POST", "/queue/unblock"),
    one("POST", "/queue/delete"),
    one("POST", "/snapshot"),
    all("POST", "/certificates/reload"),
    all("POST", "/drain"),
    {
      method: "POST",
      path: "/restart",
      handle: () => {
        log.info("an administrator restarts all relay processes, one after the other")
        const processes = parts.members().length
        restart().catch((error: unknown) => log.error("a relay process did not come back", { error }))
        return { status: 202, body: { result: "restarting", processes } }
      },
    },
  ]
}

interface Asked {
  readonly method: string
  readonly path: string
  readonly request: AdminRequest
}

async function byOne(parts: FleetAdminParts, asked: Asked): Promise<AdminResponse> {
  const [member] = parts.members()
  return member === undefined ? NOBODY : forward(member, parts, asked)
}

async function byAll(parts: FleetAdminParts, asked: Asked): Promise<AdminResponse> {
  const answers = await Promise.all(parts.members().map((member) => forward(member, parts, asked)))
  const failed = answers.find(({ status = 200 }) => status >= 400)
  if (failed !== undefined) return failed
  const [first] = answers
  return first === undefined ? NOBODY : { ...first, body: combine(answers.map(({ body }) => body)) }
}

const NOBODY: AdminResponse = { status: 503, body: { error: "no relay process serves at the moment" } }

async function forward(member: MemberAdmin, { token }: FleetAdminParts, asked: Asked): Promise<AdminResponse> {
  const { method, path, request } = asked
  const body = request.body === undefined || request.body === null ? undefined : JSON.stringify(request.body)
  const headers = {
    authorization: `Bearer ${token?.reveal() ?? ""}`,
    ...(body !== undefined && { "content-type": "application/json" }),
  }
  try {
    const patience = path === "/snapshot" ? SNAPSHOT_PATIENCE : PATIENCE
    const request = { method, headers, ...(body !== undefined && { body }) }
    const answer = await ask(member, `admin${path}`, request, patience)
    return { status: answer.status, body: await answer.json() }
  } catch {
    return { status: 503, body: { error: `relay process ${member.index} did not answer` } }
  }
}

function ask(
  { adminPort }: MemberAdmin,
  path: string,
  init: RequestInit,
  patience: number = PATIENCE,
): Promise<Response> {
  return fetch(`http://127.0.0.1:${adminPort}/${path}`, { ...init, signal: AbortSignal.timeout(patience) })
}

/** What all members know of the one store, or can only estimate: the greatest figure, not the sum. */
const COMMON = new Set(["stored", "activeQueues", "activeQueuesWithNotifications"])

/** Adds numbers up, in objects by name; of everything else the first is told. */
export function combine(values: readonly unknown[], add: (numbers: readonly number[]) => number = sum): unknown {
  const [first] = values
  if (typeof first === "number") return add(values.filter((value) => typeof value === "number"))
  if (typeof first !== "object" || first === null || Array.isArray(first)) return first
  const objects = values as readonly Readonly<Record<string, unknown>>[]
  return Object.fromEntries(
    Object.keys(first).map((name) => {
      const inner = objects.map((object) => object?.[name])
      return [name, combine(inner, COMMON.has(name) ? greatest : add)]
    }),
  )
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}

function greatest(numbers: readonly number[]): number {
  return Math.max(...numbers)
}
