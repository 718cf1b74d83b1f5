/**
 * Whether the operator counts a relay as its own: the first host is one of the domains, or below one (proxy.md §9).
 * It only decides which counters grow.
 */
export function isOwnServer(hosts: readonly string[], domains: readonly string[]): boolean {
  const [host] = hosts
  return host !== undefined && domains.some((domain) => host === domain || host.endsWith(`.${domain}`))
}
