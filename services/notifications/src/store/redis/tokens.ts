import type { AuthKey } from "@sluice/crypto/keys"
import { encodePublicKey } from "@sluice/crypto/keys"
import { equalBytes, toHex } from "@sluice/encoding/bytes"
import { encodeWith } from "@sluice/encoding/writer"
import { type DeviceToken, writeDeviceToken } from "@sluice/ntf-protocol/device-token"
import { allowsVerification, type InvalidReason } from "@sluice/ntf-protocol/status"
import { listOf } from "@sluice/redis/redis-command"
import { type Script, script } from "@sluice/redis/script"
import type { EntityId } from "@sluice/smp-protocol/types"
import type { DroppedQueue, NtfStore, PushReference, TokenRecord } from "../ntf-store.ts"
import { decodeToken, encodeToken } from "../records-code.ts"
import { StoreError } from "../store-error.ts"
import { addToCounts, bytesIn, change, copyIn, numberIn, type RedisContext, tidy, unexpected } from "./context.ts"
import { BUCKETS, bucketOf, KIND } from "./keys.ts"
import { enlist, removeAll as unlist } from "./push-list.ts"
import { removeQueue } from "./queues.ts"
import { CREATE_TOKEN, DELETE_TOKEN, UPDATE_TOKEN } from "./scripts/token-scripts.ts"
import { forgetUnverified, noteUnverified } from "./unverified-list.ts"

/** Attempts of a change whose record others change all the time. */
const ATTEMPTS = 20
const RELAY_ID_LENGTH = 16

/** Keys: device. Arguments: hash of the key, token id before, token id; "" is none. */
const SET_REGISTRATION: Script = script({
  name: "ntf: set registration",
  keys: 1,
  lua: `
local owner = redis.call('HGET', KEYS[1], ARGV[1]) or ''
if owner ~= ARGV[2] then return {'taken', owner} end
if ARGV[3] == '' then redis.call('HDEL', KEYS[1], ARGV[1]) else redis.call('HSET', KEYS[1], ARGV[1], ARGV[3]) end
return {'ok'}
`,
})

export const REGISTRATION_SCRIPTS: readonly Script[] = [SET_REGISTRATION]

export async function token(c: RedisContext, tokenId: EntityId): Promise<TokenRecord | undefined> {
  const stored = copyIn(await c.connection.command(["HGET", c.keys.token(tokenId).token, "r"]))
  return stored && decodeToken(tokenId.slice(), stored)
}

export async function createToken(c: RedisContext, created: TokenRecord): Promise<"created" | "taken"> {
  const { tokenId, device, verifyKey } = created
  if (!(await claim(c, device, verifyKey, tokenId))) return "taken"
  await enlist(c, [{ tokenId, kind: "verification" }])
  if (created.status.type !== "ACTIVE") await noteUnverified(c, tokenId, created.seenDay)
  const answer = await change(
    c,
    CREATE_TOKEN,
    [c.keys.token(tokenId).token],
    [encodeToken(created), activeFlag(created)],
  )
  if (answer.word !== "ok") return "taken"
  await tidy([addToCounts(c, "tokens", 1)])
  return "created"
}

export async function registration(
  c: RedisContext,
  device: DeviceToken,
  verifyKey: AuthKey,
): Promise<TokenRecord | undefined> {
  const line = ["HGET", c.keys.device(deviceKey(c, device)), keyHash(c, verifyKey)] as const
  const tokenId = copyIn(await c.connection.command(line))
  const found = tokenId && (await token(c, tokenId))
  return found && isRegistration(found, device, verifyKey) ? found : undefined
}

export function repeatRegistration(c: RedisContext, tokenId: EntityId): Promise<TokenRecord | undefined> {
  const registered = (found: TokenRecord): TokenRecord => {
    const { type } = found.status
    return type === "INVALID" || type === "EXPIRED" || type === "NEW"
      ? { ...found, status: { type: "REGISTERED" } }
      : found
  }
  return update(c, tokenId, registered, { put: "verification" })
}

export async function activateToken(
  c: RedisContext,
  tokenId: EntityId,
  code: Uint8Array,
): Promise<readonly DroppedQueue[] | undefined> {
  const active = await update(c, tokenId, (found) => {
    if (!allowsVerification(found.status)) return undefined
    if (code.length !== found.code.length || !c.crypto.timingSafeEqual(code, found.code)) return undefined
    return { ...found, status: { type: "ACTIVE" } }
  })
  if (active === undefined) return undefined
  await tidy([forgetUnverified(c, tokenId)])
  const ids = listOf(await c.connection.command(["HVALS", c.keys.device(deviceKey(c, active.device))]))
  const rivals = ids.map(bytesIn).filter((id) => !equalBytes(id, tokenId))
  const dropped = await Promise.all(
    rivals.map(async (id) => {
      const rival = await token(c, id)
      return rival !== undefined && sameDevice(rival.device, active.device) ? deleteToken(c, id) : undefined
    }),
  )
  return dropped.flatMap((queues) => queues ?? [])
}

export async function replaceToken(
  c: RedisContext,
  tokenId: EntityId,
  device: DeviceToken,
  code: Uint8Array,
): Promise<"replaced" | "taken" | "absent"> {
  const before = await token(c, tokenId)
  if (before === undefined) return "absent"
  if (!(await claim(c, device, before.verifyKey, tokenId))) return "taken"
  let replaced = before
  const after = await update(
    c,
    tokenId,
    (found) => {
      replaced = found
      return { ...found, device, code, status: { type: "REGISTERED" } }
    },
    { put: "verification", drop: "message" },
  )
  if (after === undefined) return "absent"
  const work = [unlist(c, [{ tokenId, kind: "message" }])]
  if (!sameDevice(replaced.device, device)) work.push(unclaim(c, replaced))
  await tidy(work)
  return "replaced"
}

/** @param only removes a registration only while this is its record and it has no subscriptions */
export async function deleteToken(
  c: RedisContext,
  tokenId: EntityId,
  only?: Uint8Array,
): Promise<readonly DroppedQueue[] | undefined> {
  const { token: key, subscriptions, last, relays } = c.keys.token(tokenId)
  const answer = await change(c, DELETE_TOKEN, [key, subscriptions, last, relays], [only ?? ""])
  if (answer.word === "absent" || answer.word === "changed") return undefined
  if (answer.word !== "ok") throw unexpected(answer)
  const [record, queues, notifications] = answer.values
  const entries = listOf(queues).map(bytesIn)
  const dropped: (DroppedQueue & { readonly subscriptionId: Uint8Array })[] = []
  for (let at = 0; at + 1 < entries.length; at += 2) {
    const queue = entries[at + 1] as Uint8Array
    const [relayId, notifierId] = [queue.slice(0, RELAY_ID_LENGTH), queue.slice(RELAY_ID_LENGTH)]
    dropped.push({ relayId, notifierId, subscriptionId: entries[at] as Uint8Array })
  }
  await tidy([
    unclaim(c, decodeToken(tokenId.slice(), bytesIn(record))),
    unlist(c, [
      { tokenId, kind: "verification" },
      { tokenId, kind: "message" },
    ]),
    c.connection.command(["ZREM", c.keys.periodic(bucketOf(tokenId)), tokenId]),
    forgetUnverified(c, tokenId),
    ...dropped.map((queue) => removeQueue(c, queue.relayId, queue.notifierId, queue.subscriptionId)),
    addToCounts(c, "tokens", -1),
    addToCounts(c, "subscriptions", -dropped.length),
    addToCounts(c, "notifications", -numberIn(notifications)),
  ])
  return dropped.map(({ relayId, notifierId }) => ({ relayId, notifierId }))
}

export async function setPeriod(c: RedisContext, tokenId: EntityId, minutes: number, now: number): Promise<boolean> {
  const list = c.keys.periodic(bucketOf(tokenId))
  // In the list before it has a period: a list that names too many does no harm.
  if (minutes > 0) await c.connection.run({ steps: [["ZADD", list, 0, tokenId]], write: true })
  const changed = await update(c, tokenId, (found) => {
    const begins = found.cronMinutes === 0 && minutes > 0
    return { ...found, cronMinutes: minutes, cronSentAt: begins ? now : found.cronSentAt }
  })
  if (minutes === 0 || changed === undefined) await tidy([c.connection.command(["ZREM", list, tokenId])])
  return changed !== undefined
}

export async function touchToken(c: RedisContext, tokenId: EntityId, day: number): Promise<void> {
  await update(c, tokenId, (found) => (found.seenDay === day ? undefined : { ...found, seenDay: day }))
}

export async function confirmToken(c: RedisContext, tokenId: EntityId, device: DeviceToken): Promise<void> {
  await update(c, tokenId, (found) => {
    const { type } = found.status
    const known = !sameDevice(found.device, device) || type === "CONFIRMED" || type === "ACTIVE"
    return known ? undefined : { ...found, status: { type: "CONFIRMED" } }
  })
}

export async function invalidateToken(
  c: RedisContext,
  tokenId: EntityId,
  device: DeviceToken,
  reason: InvalidReason,
): Promise<void> {
  await update(c, tokenId, (found) =>
    sameDevice(found.device, device) ? { ...found, status: { type: "INVALID", reason } } : undefined,
  )
}

export async function cronSent(c: RedisContext, tokenId: EntityId, at: number): Promise<void> {
  await update(c, tokenId, (found) => ({ ...found, cronSentAt: at }))
}

export async function dueTokens(
  c: RedisContext,
  now: number,
  { after, limit }: Parameters<NtfStore["dueTokens"]>[1],
): ReturnType<NtfStore["dueTokens"]> {
  const ids: Uint8Array[] = []
  let from = after
  for (let bucket = after === undefined ? 0 : bucketOf(after); bucket < BUCKETS && ids.length < limit; bucket++) {
    const line = ["ZRANGEBYLEX", c.keys.periodic(bucket), behind(from), "+", "LIMIT", 0, limit - ids.length] as const
    ids.push(...listOf(await c.connection.command(line)).map(bytesIn))
    from = undefined
  }
  const found = await Promise.all(ids.map((id) => token(c, id)))
  const items = found
    .flatMap((record) => record ?? [])
    .filter(
      ({ status, cronMinutes, cronSentAt }) =>
        status.type === "ACTIVE" && cronMinutes > 0 && cronSentAt + cronMinutes * 60 < now,
    )
  return { items, next: ids.length < limit ? undefined : ids.at(-1) }
}

/** The lower end of what comes behind a member, for `ZRANGEBYLEX`. */
export function behind(member: Uint8Array | undefined): string | Uint8Array {
  return member === undefined ? "-" : Buffer.concat([Buffer.from("("), member])
}

/**
 * Changes a record to what `next` makes of it, and again when another node was faster. Absent when the registration is not
 * there or nothing is to be changed.
 */
async function update(
  c: RedisContext,
  tokenId: EntityId,
  next: (found: TokenRecord) => TokenRecord | undefined,
  pushes: { readonly put?: PushReference["kind"]; readonly drop?: PushReference["kind"] } = {},
): Promise<TokenRecord | undefined> {
  const key = c.keys.token(tokenId).token
  const { put, drop } = pushes
  if (put !== undefined) await enlist(c, [{ tokenId, kind: put }])
  let before = copyIn(await c.connection.command(["HGET", key, "r"]))
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const changed = before && next(decodeToken(tokenId.slice(), before))
    if (before === undefined || changed === undefined) return undefined
    const args = [before, encodeToken(changed), activeFlag(changed), put ? KIND[put] : "", drop ? KIND[drop] : ""]
    const answer = await change(c, UPDATE_TOKEN, [key], args)
    if (answer.word === "ok") return changed
    if (answer.word === "absent") return undefined
    before = bytesIn(answer.values[0])
  }
  throw new StoreError("UNAVAILABLE", "changing a registration that is changed all the time")
}

/** Takes the place of a device token with a key for a registration, unless another one has it. */
async function claim(c: RedisContext, device: DeviceToken, verifyKey: AuthKey, tokenId: EntityId): Promise<boolean> {
  const keys = [c.keys.device(deviceKey(c, device))]
  const field = keyHash(c, verifyKey)
  let before: Uint8Array | string = ""
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const answer = await change(c, SET_REGISTRATION, keys, [field, before, tokenId])
    if (answer.word === "ok") return true
    const owner = bytesIn(answer.values[0])
    if (owner.length === 0) {
      before = ""
      continue
    }
    if (equalBytes(owner, tokenId)) return true
    const other = await token(c, owner)
    if (other !== undefined && isRegistration(other, device, verifyKey)) return false
    // Left by a registration that was not finished, or has gone.
    before = owner
  }
  return false
}

async function unclaim(c: RedisContext, { tokenId, device, verifyKey }: TokenRecord): Promise<void> {
  await change(c, SET_REGISTRATION, [c.keys.device(deviceKey(c, device))], [keyHash(c, verifyKey), tokenId, ""])
}

function deviceKey({ crypto }: RedisContext, device: DeviceToken): Uint8Array {
  return crypto.sha256(encodeWith((w) => writeDeviceToken(w, device)))
}

function keyHash({ crypto }: RedisContext, verifyKey: AuthKey): string {
  return toHex(crypto.sha256(encodePublicKey(verifyKey)).subarray(0, 16))
}

function activeFlag({ status }: TokenRecord): string {
  return status.type === "ACTIVE" ? "1" : "0"
}

function isRegistration(record: TokenRecord, device: DeviceToken, verifyKey: AuthKey): boolean {
  return sameDevice(record.device, device) && equalBytes(encodePublicKey(record.verifyKey), encodePublicKey(verifyKey))
}

function sameDevice(a: DeviceToken, b: DeviceToken): boolean {
  return a.provider === b.provider && equalBytes(a.token, b.token)
}
