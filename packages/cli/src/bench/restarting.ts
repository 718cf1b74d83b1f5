import { spawn } from "node:child_process"
import { once } from "node:events"
import { setTimeout as delay } from "node:timers/promises"
import { OperatorError } from "@sluice/ops/operator-error"

const LOOK_EVERY_MS = 20
/** Longer than any service takes to stop by itself. */
const PATIENCE_MS = 60_000

/** How `sluice bench relay --mode restart` restarts the server: ends the process, and runs the command in its place. */
export function restarting(pid: number | undefined, command: string | undefined): () => Promise<void> {
  if (pid === undefined || command === undefined) {
    throw new OperatorError(
      "--mode restart ends the server and starts it again: give its process as --pid, and --command",
    )
  }
  return async () => {
    await end(pid)
    // Goes on after this program: the server was there before it, too.
    const child = spawn(command, { shell: true, detached: true, stdio: "ignore" })
    await once(child, "spawn")
    child.unref()
  }
}

async function end(pid: number): Promise<void> {
  for (
    let waited = 0, signal: NodeJS.Signals | 0 = "SIGTERM";
    waited < PATIENCE_MS;
    waited += LOOK_EVERY_MS, signal = 0
  ) {
    try {
      process.kill(pid, signal)
    } catch {
      if (signal === 0) return
      throw new OperatorError(`--pid: cannot end process ${pid}`)
    }
    await delay(LOOK_EVERY_MS)
  }
  throw new OperatorError(`--pid: process ${pid} does not end`)
}
