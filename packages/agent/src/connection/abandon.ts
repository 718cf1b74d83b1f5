import type { Server } from "@sluice/encoding/server-address"
import { type AgentError, prohibited } from "../errors.ts"
import type { Draft } from "./draft.ts"
import { plainServer } from "./new-queues.ts"
import { receiveQueueDeleted } from "./rotation.ts"
import { nextStep } from "./steps.ts"

/** Errors after which a queue counts as deleted even though its server never said so. */
const MAX_DELETE_ERRORS = 10

/**
 * A step has failed. With `later` it is to be tried again, a new queue perhaps on another server; else it is given up, and
 * the user is told. Returns whether there is something to try again.
 */
export function abandon(
  draft: Draft,
  error: AgentError,
  later: boolean,
  otherServer: (used: readonly Server[]) => Server,
): boolean {
  const step = nextStep(draft.record)
  if (step === undefined) return false
  switch (step.type) {
    case "create": {
      const { planned } = step
      if (!later) break
      const tried = [...planned.tried, planned.server]
      draft.set({ planned: { ...planned, server: plainServer(otherServer(tried)), tried: tried.slice(-8) } })
      return true
    }
    case "delete": {
      const errors = (step.queue.deleting?.errors ?? 0) + 1
      draft.setReceiveQueue(step.queue.key, { deleting: { errors } })
      if (later && errors < MAX_DELETE_ERRORS) return true
      receiveQueueDeleted(draft, step.queue, error)
      return nextStep(draft.record) !== undefined
    }
    default:
      if (later) return true
  }
  giveUp(draft, step.type)
  draft.emit({ type: "error", connectionId: draft.id, error })
  return nextStep(draft.record) !== undefined
}

/** The state without the step, so that it is not taken again. */
function giveUp(draft: Draft, step: string): void {
  const { record } = draft
  switch (step) {
    case "create":
      draft.set({
        planned: undefined,
        setup: undefined,
        receiveQueues: record.receiveQueues.map((queue) =>
          queue.switching === "switch_started" ? { ...queue, switching: undefined } : queue,
        ),
      })
      break
    case "secure-send":
      draft.set({
        sendQueues: record.sendQueues.map((queue) =>
          queue.status === "new" ? { ...queue, status: "disabled" } : queue,
        ),
      })
      break
    case "request":
      draft.set({ setup: undefined })
      break
    case "secure-receive":
      draft.set({ receiveQueues: record.receiveQueues.map((queue) => ({ ...queue, toSecure: undefined })) })
      break
    default:
      throw prohibited("abandon")
  }
}
