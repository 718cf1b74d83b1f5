import type { Server, ServerAddress } from "@sluice/encoding/server-address"
import type { ServerSetting } from "./settings.ts"

/*
 * Which of the user's servers is taken (agent.md §15). Pure; `random` gives numbers from 0 up to but not including 1.
 */

/** What a server is chosen for by {@link chooseServer}. */
export type ServerRole = "storage" | "proxy"

/** A server that has this role, never another one: `undefined` if there is none. */
export function serverWithRole(
  settings: readonly ServerSetting[],
  role: "names",
  random: () => number,
): ServerAddress | undefined {
  const candidates = settings.filter((setting) => setting.enabled !== false && setting[role] === true)
  return candidates[Math.floor(random() * candidates.length)]?.address
}

/** The servers for a role: those that are enabled and have it, or all if there is none. */
export function serversFor(settings: readonly ServerSetting[], role: ServerRole): readonly ServerSetting[] {
  const chosen = settings.filter((setting) => setting.enabled !== false && setting[role] !== false)
  return chosen.length > 0 ? chosen : settings
}

/**
 * One server, if it can be of an operator none of whose servers is used, and if it can be not used itself. `undefined` if
 * the user has none at all.
 */
export function chooseServer(
  settings: readonly ServerSetting[],
  role: ServerRole,
  used: readonly Server[],
  random: () => number,
): ServerAddress | undefined {
  const isUsed = ({ address }: ServerSetting): boolean => used.some((server) => shareHost(server, address))
  const operators = new Set(settings.filter(isUsed).map(({ operator }) => operator))
  const all = serversFor(settings, role)
  const others = orAll(all, ({ operator }) => !operators.has(operator))
  const candidates = orAll(others, (setting) => !isUsed(setting))
  return candidates[Math.floor(random() * candidates.length)]?.address
}

/** Whether one of the hosts is a host of both. The port counts, too: one machine may run several servers. */
export function shareHost(a: Server, b: Server): boolean {
  return a.port === b.port && a.hosts.some((host) => b.hosts.includes(host))
}

/** Whether a server is among those that the user has set up, enabled or not. */
export function isKnown(settings: readonly ServerSetting[], server: Server): boolean {
  return settings.some(({ address }) => shareHost(address, server))
}

function orAll<T>(items: readonly T[], keep: (item: T) => boolean): readonly T[] {
  const kept = items.filter(keep)
  return kept.length > 0 ? kept : items
}
