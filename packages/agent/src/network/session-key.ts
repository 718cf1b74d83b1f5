import { EMPTY, toHex } from "@sluice/encoding/bytes"
import type { Server } from "@sluice/encoding/server-address"
import type { ConnectionId, ConnectionRecord, UserId } from "../store/records.ts"
import type { SessionMode } from "./settings.ts"

/** For whom a connection to a server is used. */
export interface SessionOwner {
  readonly userId: UserId
  /** Counts only where each connection has a session of its own. */
  readonly connectionId: ConnectionId
}

/** Of all commands about a connection. */
export function ownerOf({ userId, id }: Pick<ConnectionRecord, "userId" | "id">): SessionOwner {
  return { userId, connectionId: id }
}

/** Of commands of a user that are about no connection, or about none yet. */
export function ownerWithoutConnection(userId: UserId): SessionOwner {
  return { userId, connectionId: EMPTY }
}

/** Of what concerns the whole agent, whoever its users are. */
export const NOBODY: SessionOwner = ownerWithoutConnection(0)

/** Text that is equal for equal servers. */
export function serverKey({ keyHash, hosts, port }: Server): string {
  return `${toHex(keyHash)}@${hosts.join(",")}:${port}`
}

/** Commands whose keys are equal share a connection. */
export function sessionKey(mode: SessionMode, { userId, connectionId }: SessionOwner, server: Server): string {
  const entity = mode === "entity" ? `/${toHex(connectionId)}` : ""
  return `${userId}/${serverKey(server)}${entity}`
}

/** What keeps circuits of a SOCKS proxy apart: user, then start of the agent, server and connection by mode. */
export function socksIdentity(
  mode: SessionMode,
  { userId, connectionId }: SessionOwner,
  server: Server,
  startedAt: number,
): string {
  const parts = [`${userId}`]
  if (mode !== "user") parts.push(`:${startedAt}`)
  if (mode === "server" || mode === "entity") parts.push(`@${serverKey(server)}`)
  if (mode === "entity") parts.push(`/${toHex(connectionId)}`)
  return parts.join("")
}
