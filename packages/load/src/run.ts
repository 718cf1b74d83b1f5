import { type ConnectOptions, runConnect } from "./modes/connect.ts"
import { type IdleOptions, runIdle } from "./modes/idle.ts"
import { type MessagesOptions, runMessages } from "./modes/messages.ts"
import { type QueuesOptions, runQueues } from "./modes/queues.ts"
import { type RestartOptions, runRestart } from "./modes/restart.ts"
import { runSubscribe, type SubscribeOptions } from "./modes/subscribe.ts"
import { processFigures } from "./process-figures.ts"
import type { LoadResult } from "./report.ts"

/** One run of the load generator. */
export type LoadOptions =
  | MessagesOptions
  | ConnectOptions
  | QueuesOptions
  | SubscribeOptions
  | IdleOptions
  | RestartOptions

/**
 * Puts load on a server and reports what it did. What fails in the measured part is counted in the report; what fails
 * before, rejects: `TransportError`, `SmpClientError`, or `OperatorError` for a process that cannot be read. The caller
 * has checked that the server may be put under load (`checkTarget`).
 */
export async function runLoad(options: LoadOptions): Promise<LoadResult> {
  if (options.pid !== undefined) processFigures(options.pid)
  switch (options.mode) {
    case "messages":
      return await runMessages(options)
    case "connect":
      return await runConnect(options)
    case "queues":
      return await runQueues(options)
    case "subscribe":
      return await runSubscribe(options)
    case "idle":
      return await runIdle(options)
    case "restart":
      return await runRestart(options)
  }
}
