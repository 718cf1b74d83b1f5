import { isClientError } from "@sluice/smp-client/client-error"
import type { CreateQueueOptions } from "@sluice/smp-client/create-queue"
import type { CreatedQueue } from "@sluice/smp-client/queue-types"
import type { CallOptions } from "@sluice/smp-client/request"
import type { SmpCommands } from "@sluice/smp-client/smp-commands"

/** Makes a queue, with a notifier where that is wanted and the relay can do both at once. */
export async function createNotified(
  relay: SmpCommands,
  wanted: boolean,
  options: CreateQueueOptions,
  call?: CallOptions,
): Promise<CreatedQueue> {
  if (!wanted) return await relay.createQueue(options, call)
  try {
    return await relay.createQueue({ ...options, notifier: true }, call)
  } catch (error) {
    // An older relay: nothing was sent. The notifier is made afterwards.
    if (isClientError(error) && error.problem.code === "UNSUPPORTED") return await relay.createQueue(options, call)
    throw error
  }
}
