import { EMPTY, equalBytes } from "@sluice/encoding/bytes"
import type { Server } from "@sluice/encoding/server-address"
import type { ShortLink } from "./short-link.ts"

/*
 * Links on servers that come with an app need only name their first host: the app knows the rest (short-links.md §11).
 * The list must be the app's own; servers that users add to it are known to nobody else.
 */

/** Ports that a server without a port in its address listens on. */
const DEFAULT_PORTS = ["443", "5223"]

/** The link without what the preset servers tell anyway; unchanged where its server is none of them. */
export function shortenLink<L extends ShortLink>(link: L, presets: readonly Server[]): L {
  const { server } = link
  if (!presets.some((preset) => isPreset(server, preset))) return link
  return { ...link, server: { hosts: server.hosts.slice(0, 1), port: "", keyHash: EMPTY } }
}

/** The link with all that a preset server tells, where it names nothing but the first host of one. */
export function restoreLink<L extends ShortLink>(link: L, presets: readonly Server[]): L {
  const { hosts, port, keyHash } = link.server
  if (hosts.length !== 1 || port !== "" || keyHash.length > 0) return link
  const preset = presets.find((each) => each.hosts[0] === hosts[0])
  if (preset === undefined) return link
  return { ...link, server: { hosts: preset.hosts, port: preset.port, keyHash: preset.keyHash } }
}

function isPreset(server: Server, preset: Server): boolean {
  if (server.hosts[0] !== preset.hosts[0] || !server.hosts.every((host) => preset.hosts.includes(host))) return false
  const samePort = server.port === preset.port || (preset.port === "" && DEFAULT_PORTS.includes(server.port))
  return samePort && equalBytes(server.keyHash, preset.keyHash)
}
