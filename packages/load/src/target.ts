import type { ServerAddress } from "@sluice/encoding/server-address"
import { OperatorError, quoteValue } from "@sluice/ops/operator-error"

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i

/**
 * Load is for servers of one's own. Throws `OperatorError` for an address that does not lead to this machine, unless the
 * operator has said that it is meant.
 */
export function checkTarget(server: ServerAddress, allowRemote: boolean): void {
  const remote = server.hosts.find((host) => !LOOPBACK.test(host))
  if (remote === undefined || allowRemote) return
  throw new OperatorError(`${quoteValue(remote)} is another machine; --allow-remote if you may put load on it`)
}

/** Host and port for reports: no fingerprint, no password. */
export function targetName({ hosts, port }: ServerAddress): string {
  const [host = "?"] = hosts
  return `${host.includes(":") ? `[${host}]` : host}:${port === "" ? 5223 : port}`
}
