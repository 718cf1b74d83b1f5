import { DecodeError } from "@sluice/encoding/errors"
import type { AdminRequest, AdminResponse, AdminRoute } from "@sluice/ops/admin-server"
import type { Log } from "@sluice/ops/log"
import type { BlockingInfo, QueueStatus } from "@sluice/queue-store/records"
import { fields, refused } from "./admin-responses.ts"
import type { RelayContext } from "./context.ts"
import type { Moderation } from "./moderation.ts"
import { describeQueue } from "./queue-description.ts"
import { parseQueueReference, type QueueReference } from "./queue-reference.ts"

export interface QueueRouteParts {
  readonly relay: RelayContext
  readonly moderation: Moderation
  readonly fingerprint: () => Uint8Array
  readonly log: Log
}

/** Routes for one queue each, which the body names: `{"queue": "<ID, address or link>"}`. */
export function queueRoutes(parts: QueueRouteParts): AdminRoute[] {
  const route = (
    path: string,
    run: (parts: QueueRouteParts, queue: QueueReference, request: AdminRequest) => Promise<AdminResponse>,
  ): AdminRoute => ({
    method: "POST",
    path: `/queue/${path}`,
    handle: async (request) => {
      const { queue } = fields(request.body)
      if (typeof queue !== "string") return refused(400, "queue: allowed: the ID, address or link of a queue")
      let reference: QueueReference
      try {
        reference = parseQueueReference(queue, { crypto: parts.relay.crypto, fingerprint: parts.fingerprint() })
      } catch (error) {
        if (error instanceof DecodeError) return refused(400, error.message)
        throw error
      }
      return run(parts, reference, request)
    },
  })
  return [route("status", status), route("block", block), route("unblock", unblock), route("delete", remove)]
}

const NOT_FOUND = refused(404, "there is no such queue")

async function status({ relay, moderation, log }: QueueRouteParts, queue: QueueReference): Promise<AdminResponse> {
  const found = await moderation.find(queue)
  log.info("an administrator looked a queue up", { count: found === undefined ? 0 : 1 })
  return found === undefined ? NOT_FOUND : { body: await describeQueue(relay, found) }
}

async function block(
  { moderation, log }: QueueRouteParts,
  queue: QueueReference,
  { body }: AdminRequest,
): Promise<AdminResponse> {
  const info = blockingInfo(body)
  if (typeof info === "string") return refused(400, info)
  const done = await moderation.block(queue, info)
  switch (done.result) {
    case "blocked":
      log.info("an administrator blocked a queue", { reason: info.reason, state: word(done.previous) })
      return { body: { result: "blocked", previous: word(done.previous) } }
    case "changed":
      log.info("an administrator changed the block of a queue", { reason: info.reason })
      return { body: { result: "changed", previous: word(done.previous), previousBlock: blockOf(done.previous) } }
    case "limit":
      log.warn("an administrator reached the limit of blocked queues", { limit: done.limit })
      return refused(
        429,
        done.limit < 0 ? "blocking is switched off" : `the limit of ${done.limit} queues blocked daily is reached`,
      )
    case "no-queue":
      return NOT_FOUND
    default:
      return done satisfies never
  }
}

async function unblock({ moderation, log }: QueueRouteParts, queue: QueueReference): Promise<AdminResponse> {
  const done = await moderation.unblock(queue)
  if (done.result === "no-queue") return NOT_FOUND
  const now = done.status === "off" ? "suspended" : "active"
  if (done.result === "not-blocked") return { body: { result: "not-blocked", status: now } }
  log.info("an administrator unblocked a queue", { reason: done.reason.reason, state: now })
  return { body: { result: "unblocked", status: now, previousBlock: done.reason } }
}

async function remove({ moderation, log }: QueueRouteParts, queue: QueueReference): Promise<AdminResponse> {
  const done = await moderation.delete(queue)
  if (done.result === "no-queue") return NOT_FOUND
  log.info("an administrator deleted a queue", { messages: done.messages })
  return { body: { result: "deleted", messages: done.messages } }
}

/** `{"reason": "spam" | "content", "notice"?: {"ttl"?: seconds}}`, or what is wrong with it. */
function blockingInfo(body: unknown): BlockingInfo | string {
  const { reason, notice } = fields(body)
  if (reason !== "spam" && reason !== "content") return "reason: allowed: spam, content"
  if (notice === undefined) return { reason }
  if (typeof notice !== "object" || notice === null) return 'notice: allowed: {} or {"ttl": seconds}'
  const { ttl } = fields(notice)
  if (ttl === undefined) return { reason, notice: {} }
  if (typeof ttl !== "number" || !Number.isSafeInteger(ttl) || ttl < 1) return "notice.ttl: allowed: whole seconds"
  return { reason, notice: { ttl } }
}

function word({ tag }: QueueStatus): "active" | "suspended" | "blocked" {
  return tag === "off" ? "suspended" : tag
}

function blockOf(previous: QueueStatus): BlockingInfo | undefined {
  return previous.tag === "blocked" ? previous.info : undefined
}
