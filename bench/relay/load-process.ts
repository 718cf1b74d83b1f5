// The load generator in a process of its own: its parent's work must not delay what it measures. A reconnect storm waits
// for its parent when it is prepared, and again before it cleans up.
import { once } from "node:events"
import { type LoadOptions, runLoad } from "@sluice/load/run"

process.once("message", (options) => {
  runLoad(revived(options as LoadOptions)).then(({ report }) => {
    process.send?.(report)
    process.disconnect()
  })
})

/** Bytes and infinity do not pass between processes. */
function revived(options: LoadOptions): LoadOptions {
  const { server } = options
  return {
    ...options,
    server: { ...server, keyHash: Uint8Array.from(Object.values(server.keyHash)) },
    ...(options.mode === "messages" && { count: Number.POSITIVE_INFINITY }),
    ...(options.mode === "subscribe" && { pause }),
  }
}

async function pause(stage: string): Promise<void> {
  process.send?.(stage)
  await once(process, "message")
}
