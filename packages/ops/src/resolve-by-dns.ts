import { Resolver } from "node:dns/promises"

/** Gives the IP addresses of a name; none for a name without. Gives up when the signal is aborted. */
export type Resolve = (name: string, signal: AbortSignal) => Promise<readonly string[]>

/**
 * Asks the DNS servers of the system for A and AAAA records. Not `getaddrinfo`: that would occupy one of the process's
 * few worker threads for as long as a stranger's name server likes, and would take a machine's own name from its hosts
 * file, where it is often a loopback address.
 */
export const resolveByDns: Resolve = async (name, signal) => {
  const resolver = new Resolver()
  const cancel = (): void => resolver.cancel()
  signal.addEventListener("abort", cancel, { once: true })
  try {
    const answers = await Promise.allSettled([resolver.resolve6(name), resolver.resolve4(name)])
    return answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []))
  } finally {
    signal.removeEventListener("abort", cancel)
  }
}
