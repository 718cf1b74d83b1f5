/** Where to listen: `host` undefined means every address of the machine, IPv6 and IPv4. Port 0 takes any free port. */
export interface Bind {
  readonly host: string | undefined
  readonly port: number
}

/** The place that an address setting and a port setting name; `*` is every address. */
export function bindOf(address: string, port: number): Bind {
  return { host: address === "*" ? undefined : address, port }
}

/**
 * Reads `5223`, `*:5223`, `127.0.0.1:5223`, `[::1]:5223` or `localhost:5223`; `undefined` if it is none of them.
 * An IPv6 address needs its brackets.
 */
export function parseBind(input: string | number): Bind | undefined {
  const match = /^(?:(\*|\[[0-9a-fA-F:.]+(?:%[\w.-]+)?\]|[\w.-]+):)?(\d{1,5})$/.exec(String(input).trim())
  if (match === null) return undefined
  const port = Number(match[2])
  if (port > 65_535) return undefined
  const host = match[1]
  if (host === undefined || host === "*") return { host: undefined, port }
  return { host: host.startsWith("[") ? host.slice(1, -1) : host, port }
}

/** The spelling that {@link parseBind} reads back as the same place. */
export function formatBind({ host, port }: Bind): string {
  if (host === undefined) return `*:${port}`
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`
}
