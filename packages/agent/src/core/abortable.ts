/** The result of a call, unless its caller gives up before: then the reason of the signal, while the rest goes on unseen. */
export async function abortable<T>(signal: AbortSignal | undefined, call: () => Promise<T>): Promise<T> {
  if (signal === undefined) return await call()
  signal.throwIfAborted()
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => reject(signal.reason)
  signal.addEventListener("abort", onAbort, { once: true })
  try {
    return await Promise.race([call(), aborted])
  } finally {
    signal.removeEventListener("abort", onAbort)
  }
}
