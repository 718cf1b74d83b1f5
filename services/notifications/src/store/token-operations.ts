import type { AuthKey } from "@sluice/crypto/keys"
import { EMPTY, equalBytes } from "@sluice/encoding/bytes"
import type { DeviceToken } from "@sluice/ntf-protocol/device-token"
import { allowsVerification, type InvalidReason } from "@sluice/ntf-protocol/status"
import type { EntityId } from "@sluice/smp-protocol/types"
import { type Context, deviceKey, findToken, pushKey, putPush, putToken, registrationKey } from "./context.ts"
import type { DroppedQueue, NtfStore, PageOptions, RemovedTokens, TokenRecord } from "./ntf-store.ts"
import { removeSubscription, subscriptionIdsOf } from "./subscription-operations.ts"

/** Registrations of one device token that are looked at; more than one live side by side until one is verified. */
const MOST_RIVALS = 10_000

export function createToken(c: Context, token: TokenRecord): "created" | "taken" {
  const { tables } = c
  const key = registrationKey(c, token.device, token.verifyKey)
  if (tables.registrations.get(key) !== undefined || tables.tokens.get(token.tokenId) !== undefined) return "taken"
  putToken(c, token)
  tables.registrations.put(key, token.tokenId)
  if (token.status.type !== "ACTIVE") tables.unverified.put(token.tokenId, EMPTY)
  putPush(c, { tokenId: token.tokenId, kind: "verification" })
  return "created"
}

export function registration(c: Context, device: DeviceToken, verifyKey: AuthKey): TokenRecord | undefined {
  const found = c.tables.registrations.get(registrationKey(c, device, verifyKey))
  return found && findToken(c, found.slice())
}

export function repeatRegistration(c: Context, tokenId: EntityId): TokenRecord | undefined {
  const token = findToken(c, tokenId)
  if (token === undefined) return undefined
  const { type } = token.status
  const again = type === "INVALID" || type === "EXPIRED" || type === "NEW"
  const changed: TokenRecord = again ? { ...token, status: { type: "REGISTERED" } } : token
  if (again) putToken(c, changed)
  putPush(c, { tokenId, kind: "verification" })
  return changed
}

export function activateToken(c: Context, tokenId: EntityId, code: Uint8Array): readonly DroppedQueue[] | undefined {
  const { tables, crypto } = c
  const token = findToken(c, tokenId)
  if (token === undefined || !allowsVerification(token.status)) return undefined
  if (code.length !== token.code.length || !crypto.timingSafeEqual(code, token.code)) return undefined
  const rivals = tables.registrations
    .keys({ prefix: deviceKey(c, token.device), limit: MOST_RIVALS })
    .map((key) => tables.registrations.get(key)?.slice() ?? EMPTY)
    .filter((id) => !equalBytes(id, tokenId))
  const dropped = rivals.flatMap((id) => deleteToken(c, id) ?? [])
  if (token.status.type !== "ACTIVE") putToken(c, { ...token, status: { type: "ACTIVE" } })
  tables.unverified.remove(tokenId)
  return dropped
}

export function replaceToken(
  c: Context,
  tokenId: EntityId,
  device: DeviceToken,
  code: Uint8Array,
): "replaced" | "taken" | "absent" {
  const { tables } = c
  const token = findToken(c, tokenId)
  if (token === undefined) return "absent"
  const key = registrationKey(c, device, token.verifyKey)
  const owner = tables.registrations.get(key)
  if (owner !== undefined && !equalBytes(owner, tokenId)) return "taken"
  tables.registrations.remove(registrationKey(c, token.device, token.verifyKey))
  tables.registrations.put(key, tokenId)
  putToken(c, { ...token, device, code, status: { type: "REGISTERED" } })
  putPush(c, { tokenId, kind: "verification" })
  tables.pushes.remove(pushKey({ tokenId, kind: "message" }))
  return "replaced"
}

export function deleteToken(c: Context, tokenId: EntityId): readonly DroppedQueue[] | undefined {
  const { tables } = c
  const token = findToken(c, tokenId)
  if (token === undefined) return undefined
  const dropped = subscriptionIdsOf(c, tokenId).flatMap((id) => removeSubscription(c, id) ?? [])
  tables.registrations.remove(registrationKey(c, token.device, token.verifyKey))
  tables.periodic.remove(tokenId)
  tables.unverified.remove(tokenId)
  tables.pushes.remove(pushKey({ tokenId, kind: "verification" }))
  tables.pushes.remove(pushKey({ tokenId, kind: "message" }))
  tables.tokens.remove(tokenId)
  return dropped
}

export function removeUnverified(c: Context, before: number, { after, limit }: PageOptions): RemovedTokens {
  const keys = c.tables.unverified.keys({ after, limit })
  const old = keys.filter((tokenId) => (findToken(c, tokenId)?.seenDay ?? before) < before)
  for (const tokenId of old) deleteToken(c, tokenId)
  return { removed: old.length, next: keys.length < limit ? undefined : keys.at(-1) }
}

export function setPeriod(c: Context, tokenId: EntityId, minutes: number, now: number): boolean {
  const token = findToken(c, tokenId)
  if (token === undefined) return false
  const begins = token.cronMinutes === 0 && minutes > 0
  putToken(c, { ...token, cronMinutes: minutes, cronSentAt: begins ? now : token.cronSentAt })
  if (minutes > 0) c.tables.periodic.put(tokenId, EMPTY)
  else c.tables.periodic.remove(tokenId)
  return true
}

export function touchToken(c: Context, tokenId: EntityId, day: number): void {
  const token = findToken(c, tokenId)
  if (token !== undefined && token.seenDay !== day) putToken(c, { ...token, seenDay: day })
}

export function confirmToken(c: Context, tokenId: EntityId, device: DeviceToken): void {
  const token = findToken(c, tokenId)
  if (token === undefined || !sameDevice(token.device, device)) return
  const { type } = token.status
  if (type !== "CONFIRMED" && type !== "ACTIVE") putToken(c, { ...token, status: { type: "CONFIRMED" } })
}

export function invalidateToken(c: Context, tokenId: EntityId, device: DeviceToken, reason: InvalidReason): void {
  const token = findToken(c, tokenId)
  if (token === undefined || !sameDevice(token.device, device)) return
  putToken(c, { ...token, status: { type: "INVALID", reason } })
}

export function dueTokens(
  c: Context,
  now: number,
  { after, limit }: Parameters<NtfStore["dueTokens"]>[1],
): Awaited<ReturnType<NtfStore["dueTokens"]>> {
  const keys = c.tables.periodic.keys({ after, limit })
  const items = keys
    .flatMap((tokenId) => findToken(c, tokenId) ?? [])
    .filter(({ status, cronMinutes, cronSentAt }) => status.type === "ACTIVE" && cronSentAt + cronMinutes * 60 < now)
  return { items, next: keys.length < limit ? undefined : keys.at(-1) }
}

export function cronSent(c: Context, tokenId: EntityId, at: number): void {
  const token = findToken(c, tokenId)
  if (token !== undefined) putToken(c, { ...token, cronSentAt: at })
}

function sameDevice(a: DeviceToken, b: DeviceToken): boolean {
  return a.provider === b.provider && equalBytes(a.token, b.token)
}
