import type { CreatedNotifier } from "@sluice/smp-client/queue-types"
import { AgentError } from "../errors.ts"
import type { NotifierRecord } from "../notifications/records.ts"

/** What is kept of a notifier. Its key is one that this agent has made. */
export function notifierOf({ notifierId, notifierKey, dhSecret }: CreatedNotifier): NotifierRecord {
  if (notifierKey.algorithm !== "ed25519") throw new AgentError({ code: "INTERNAL", text: "notifier key" })
  return { notifierId, notifierKey: { ...notifierKey, algorithm: "ed25519" }, dhSecret }
}
