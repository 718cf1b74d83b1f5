import type { CryptoBackend } from "@sluice/crypto/backend"
import { nativeCrypto } from "@sluice/crypto/native"
import { type Clock, systemClock } from "@sluice/ops/clock"
import { Lru } from "@sluice/ops/lru"
import { ADD_TO_COUNTS } from "@sluice/redis/add-to-counts"
import type { RedisConnection } from "@sluice/redis/connection"
import { PROBE, probe } from "@sluice/redis/probe"
import type { NtfStore } from "../ntf-store.ts"
import { StoreError } from "../store-error.ts"
import { type FleetView, type RedisContext, toStoreError } from "./context.ts"
import { NtfKeys } from "./keys.ts"
import * as pushes from "./pushes.ts"
import * as relays from "./relays.ts"
import { PUSH_SCRIPTS } from "./scripts/push-scripts.ts"
import { RELAY_SCRIPTS } from "./scripts/relay-scripts.ts"
import { TOKEN_SCRIPTS } from "./scripts/token-scripts.ts"
import * as shared from "./shared-pushes.ts"
import * as subscriptions from "./subscriptions.ts"
import { type Swept, sweep } from "./sweep.ts"
import * as tokens from "./tokens.ts"
import { removeUnverified } from "./unverified.ts"

export interface RedisNtfStoreOptions {
  /** Connects by itself and is not closed with the store. Its configuration says how durable changes are. */
  readonly connection: RedisConnection
  /** Name of this process, which no other has: claims of pushes are under it. */
  readonly node: string
  /** What all keys begin with; by default the prefix of the connection. */
  readonly prefix?: string
  /** Absent where only this node uses the store. */
  readonly fleet?: FleetView
  /** Ids of subscriptions and notifiers whose token is kept in memory, some 250 bytes each. Default 100,000. */
  readonly knownIds?: number
  readonly crypto?: CryptoBackend
  readonly clock?: Clock
}

/** The store on Redis with what nodes that share it need beyond its interface. */
export interface RedisNtfStore extends NtfStore {
  readonly pushes: shared.SharedPushes
  /** One step of removing what interrupted operations left; `cursor` of the last step. */
  sweep(cursor?: string): Promise<Swept>
}

/** Time of a lease where no fleet says another, ms. */
const LEASE = 10_000
/** Relays whose address is kept in memory. */
const KNOWN_RELAYS = 10_000

/**
 * The notification store on Redis, for any number of nodes at once. Each operation on a registration or on a relay is one
 * script on its slot; what follows from it in other slots is written before or removed after it. While Redis is away every
 * operation is rejected with UNAVAILABLE, and a change whose answer was lost may have happened.
 *
 * Reading a push that waits claims it for this node: no other gets it before this one is done, gives it up or dies.
 */
export function openRedisNtfStore(options: RedisNtfStoreOptions): RedisNtfStore {
  const c = contextOf(options)
  let closed = false
  const run = async <T>(operation: string, start: () => Promise<T>): Promise<T> => {
    if (closed) throw new StoreError("CLOSED", operation)
    try {
      return await start()
    } catch (cause) {
      throw toStoreError(cause, operation)
    }
  }
  return {
    createToken: (token) => run("createToken", () => tokens.createToken(c, token)),
    token: (id) => run("token", () => tokens.token(c, id)),
    registration: (device, key) => run("registration", () => tokens.registration(c, device, key)),
    repeatRegistration: (id) => run("repeatRegistration", () => tokens.repeatRegistration(c, id)),
    activateToken: (id, code) => run("activateToken", () => tokens.activateToken(c, id, code)),
    replaceToken: (id, device, code) => run("replaceToken", () => tokens.replaceToken(c, id, device, code)),
    deleteToken: (id) => run("deleteToken", () => tokens.deleteToken(c, id)),
    removeUnverified: (before, page) => run("removeUnverified", () => removeUnverified(c, before, page)),
    setPeriod: (id, minutes, now) => run("setPeriod", () => tokens.setPeriod(c, id, minutes, now)),
    touchToken: (id, day) => run("touchToken", () => tokens.touchToken(c, id, day)),
    confirmToken: (id, device) => run("confirmToken", () => tokens.confirmToken(c, id, device)),
    invalidateToken: (id, device, reason) =>
      run("invalidateToken", () => tokens.invalidateToken(c, id, device, reason)),

    createSubscription: (created, limits) =>
      run("createSubscription", () => subscriptions.createSubscription(c, created, limits)),
    subscription: (id) => run("subscription", () => subscriptions.subscription(c, id)),
    deleteSubscription: (id) => run("deleteSubscription", () => subscriptions.deleteSubscription(c, id)),

    relay: (id) => run("relay", () => relays.relay(c, id)),
    relays: (page) => run("relays", () => relays.relays(c, page)),
    keepCredentials: (id, credentials) => run("keepCredentials", () => relays.keepCredentials(c, id, credentials)),
    setService: (id, serviceId, forget = false) => run("setService", () => relays.setService(c, id, serviceId, forget)),
    setUp: (id, up) => run("setUp", () => relays.setUp(c, id, up)),
    subscriptionsToMake: (id, page) => run("subscriptionsToMake", () => subscriptions.subscriptionsToMake(c, id, page)),
    subscriptionsOf: (id, notifiers) => run("subscriptionsOf", () => subscriptions.subscriptionsOf(c, id, notifiers)),
    updateSubscriptions: (id, updates) =>
      run("updateSubscriptions", () => subscriptions.updateSubscriptions(c, id, updates)),

    recordNotifications: (id, received, time) =>
      run("recordNotifications", () => pushes.recordNotifications(c, id, received, time)),
    pendingPush: (push) => run("pendingPush", () => pushes.pendingPush(c, push)),
    pendingPushes: (page) => run("pendingPushes", () => pushes.pendingPushes(c, page)),
    finishPush: (push, sequence) => run("finishPush", () => pushes.finishPush(c, push, sequence)),
    dueTokens: (now, page) => run("dueTokens", () => tokens.dueTokens(c, now, page)),
    cronSent: (id, at) => run("cronSent", () => tokens.cronSent(c, id, at)),

    pushes: {
      postpone: (push, ms) => run("postpone", () => shared.postpone(c, push, ms)),
      claimCheck: (id) => run("claimCheck", () => shared.claimCheck(c, id)),
      left: (limit) => run("left", () => shared.left(c, limit)),
    },
    sweep: (cursor) => run("sweep", () => sweep(c, cursor)),

    counts: () => run("counts", () => pushes.counts(c)),
    check: () => run("check", () => probe(c.connection, c.keys.probe())),
    close() {
      closed = true
      return Promise.resolve()
    },
  }
}

function contextOf(options: RedisNtfStoreOptions): RedisContext {
  const { connection, node, prefix = connection.prefix, fleet, knownIds = 100_000 } = options
  const { crypto = nativeCrypto, clock = systemClock } = options
  connection.load([
    ...[TOKEN_SCRIPTS, PUSH_SCRIPTS, RELAY_SCRIPTS, shared.SHARED_SCRIPTS, tokens.REGISTRATION_SCRIPTS].flat(),
    ...[ADD_TO_COUNTS, PROBE],
  ])
  return {
    ...{ connection, crypto, clock, node, fleet, lease: fleet?.lease ?? LEASE },
    keys: new NtfKeys(prefix),
    tokensOf: new Lru(knownIds),
    owners: new Lru(knownIds),
    servers: new Lru(KNOWN_RELAYS),
    claims: new Map(),
  }
}
