import { CryptoError } from "@sluice/crypto/errors"
import type { NtfCommandOf } from "@sluice/ntf-protocol/commands"
import type { NtfResponse } from "@sluice/ntf-protocol/responses"
import { allowsSubscriptions } from "@sluice/ntf-protocol/status"
import { commandError, type SmpError } from "@sluice/smp-protocol/errors"
import { ID_LENGTH } from "@sluice/smp-protocol/types"
import { type NtfContext, seconds, today } from "./context.ts"
import { relayIdOf } from "./store/context.ts"
import type { SubscriptionRecord, TokenRecord } from "./store/ntf-store.ts"

/** Bytes of a registration's code. */
const CODE_LENGTH = 32
/** Shortest period of background pushes, minutes. */
const SHORTEST_PERIOD = 20

const OK: NtfResponse = { tag: "OK" }
const AUTH: NtfResponse = error({ type: "AUTH" })

function error(reason: SmpError): NtfResponse {
  return { tag: "ERR", error: reason }
}

/** `TNEW`, verified with the key inside: a new registration, or the same one again (notifications.md §3.7). */
export async function registerToken(ctx: NtfContext, command: NtfCommandOf<"TNEW">): Promise<NtfResponse> {
  const known = await ctx.store.registration(command.token, command.verifyKey)
  if (!ctx.pushes.accepts(command.token.provider)) return error(commandError("PROHIBITED"))
  return known === undefined ? createToken(ctx, command) : repeat(ctx, known, command)
}

async function createToken(ctx: NtfContext, command: NtfCommandOf<"TNEW">): Promise<NtfResponse> {
  const { store, crypto, clock, statistics } = ctx
  const { publicKey, privateKey } = crypto.generateKeyPair("x25519")
  const secret = secretOf(ctx, privateKey, command)
  if (secret === undefined) return AUTH
  const tokenId = crypto.randomBytes(ID_LENGTH)
  const created = await store.createToken({
    tokenId,
    device: command.token,
    status: { type: "REGISTERED" },
    verifyKey: command.verifyKey,
    dhKey: privateKey,
    secret,
    code: crypto.randomBytes(CODE_LENGTH),
    cronMinutes: 0,
    cronSentAt: 0,
    seenDay: today(clock),
  })
  if (created === "taken") return AUTH
  if (command.token.provider !== "AN") statistics.tokensCreated++
  statistics.verificationQueued++
  ctx.pushes.wake({ tokenId, kind: "verification" })
  return { tag: "IDTKN", tokenId, dhKey: publicKey }
}

/** The same keys get the same id, key and code again, so that a lost answer does no harm. */
async function repeat(ctx: NtfContext, known: TokenRecord, command: NtfCommandOf<"TNEW">): Promise<NtfResponse> {
  const { store, crypto, statistics } = ctx
  const { tokenId, dhKey } = known
  const secret = secretOf(ctx, dhKey, command)
  if (secret === undefined || !crypto.timingSafeEqual(secret, known.secret)) return AUTH
  if ((await store.repeatRegistration(tokenId)) === undefined) return AUTH
  const day = today(ctx.clock)
  if (known.seenDay !== day) await store.touchToken(tokenId, day)
  statistics.verificationQueued++
  ctx.pushes.wake({ tokenId, kind: "verification" })
  return { tag: "IDTKN", tokenId, dhKey: crypto.publicKeyOf(dhKey) }
}

/** Absent for a client's key that gives no secret. */
function secretOf(
  { crypto }: NtfContext,
  own: TokenRecord["dhKey"],
  { dhKey }: NtfCommandOf<"TNEW">,
): Uint8Array | undefined {
  try {
    return crypto.diffieHellman(own, dhKey)
  } catch (reason) {
    if (reason instanceof CryptoError) return undefined
    throw reason
  }
}

/** `TVFY`. */
export async function verifyToken(ctx: NtfContext, token: TokenRecord, code: Uint8Array): Promise<NtfResponse> {
  const dropped = await ctx.store.activateToken(token.tokenId, code)
  if (dropped === undefined) return AUTH
  if (token.status.type !== "ACTIVE" && token.device.provider !== "AN") ctx.statistics.tokensVerified++
  ctx.relays.drop(dropped)
  return OK
}

/** `TCHK`. */
export function checkToken({ status }: TokenRecord): NtfResponse {
  return { tag: "TKN", status }
}

/** `TRPL`. */
export async function replaceToken(
  ctx: NtfContext,
  { tokenId }: TokenRecord,
  { token: device }: NtfCommandOf<"TRPL">,
): Promise<NtfResponse> {
  const { store, crypto, statistics, pushes } = ctx
  if (!pushes.accepts(device.provider)) return error(commandError("PROHIBITED"))
  const replaced = await store.replaceToken(tokenId, device, crypto.randomBytes(CODE_LENGTH))
  if (replaced !== "replaced") return AUTH
  statistics.tokensReplaced++
  statistics.verificationQueued++
  pushes.wake({ tokenId, kind: "verification" })
  return OK
}

/** `TDEL`. */
export async function deleteToken(ctx: NtfContext, { tokenId, device }: TokenRecord): Promise<NtfResponse> {
  const dropped = await ctx.store.deleteToken(tokenId)
  if (dropped === undefined) return AUTH
  if (device.provider !== "AN") ctx.statistics.tokensDeleted++
  ctx.relays.drop(dropped)
  return OK
}

/** `TCRN`. */
export async function setPeriod(ctx: NtfContext, { tokenId }: TokenRecord, minutes: number): Promise<NtfResponse> {
  if (minutes > 0 && minutes < SHORTEST_PERIOD) return error({ type: "QUOTA" })
  return (await ctx.store.setPeriod(tokenId, minutes, seconds(ctx.clock))) ? OK : AUTH
}

/** `SNEW`, verified with the key of the token. */
export async function createSubscription(
  ctx: NtfContext,
  token: TokenRecord,
  { queue, notifierKey }: NtfCommandOf<"SNEW">,
): Promise<NtfResponse> {
  const { store, crypto, statistics, relays, limits } = ctx
  if (!allowsSubscriptions(token.status)) return AUTH
  const subscriptionId = crypto.randomBytes(ID_LENGTH)
  const { server, notifierId } = queue
  const created = await store.createSubscription(
    { subscriptionId, tokenId: token.tokenId, server, notifierId, notifierKey },
    limits,
  )
  switch (created.result) {
    case "created":
      statistics.subscriptionsCreated++
      relays.subscribe(created.subscription)
      return { tag: "IDSUB", subscriptionId }
    case "exists":
      return { tag: "IDSUB", subscriptionId: created.subscriptionId }
    case "limit":
      return error({ type: "QUOTA" })
    case "refused":
      return AUTH
  }
}

/** `SCHK`. What was subscribed by itself is inactive while its relay is away. */
export async function checkSubscription(
  ctx: NtfContext,
  token: TokenRecord,
  subscription: SubscriptionRecord,
): Promise<NtfResponse> {
  if (!allowsSubscriptions(token.status)) return AUTH
  const { status, associated, server } = subscription
  if (status.type !== "ACTIVE" || associated) return { tag: "SUB", status }
  const relay = await ctx.store.relay(relayIdOf(ctx.crypto, server))
  return { tag: "SUB", status: relay?.up === true ? status : { type: "INACTIVE" } }
}

/** `SDEL`. */
export async function deleteSubscription(
  ctx: NtfContext,
  token: TokenRecord,
  { subscriptionId }: SubscriptionRecord,
): Promise<NtfResponse> {
  if (!allowsSubscriptions(token.status)) return AUTH
  const dropped = await ctx.store.deleteSubscription(subscriptionId)
  if (dropped === undefined) return AUTH
  ctx.statistics.subscriptionsDeleted++
  ctx.relays.drop([dropped])
  return OK
}
