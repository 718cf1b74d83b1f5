import type { CryptoBackend } from "@sluice/crypto/backend"
import { nativeCrypto } from "@sluice/crypto/native"
import { type Context, findToken, nextSequence } from "./context.ts"
import { type LmdbEngineOptions, openLmdbEngine } from "./lmdb-engine.ts"
import { memoryEngine } from "./memory-engine.ts"
import type { NtfStore } from "./ntf-store.ts"
import * as pushes from "./push-operations.ts"
import * as relays from "./relay-operations.ts"
import * as subscriptions from "./subscription-operations.ts"
import type { Engine } from "./tables.ts"
import * as tokens from "./token-operations.ts"

/** A store in memory, for tests and trials. */
export function createMemoryStore(crypto: CryptoBackend = nativeCrypto): NtfStore {
  return storeOn(memoryEngine(), crypto)
}

/** The embedded store: one LMDB environment in a folder of its own. */
export async function openEmbeddedStore(
  options: LmdbEngineOptions,
  crypto: CryptoBackend = nativeCrypto,
): Promise<NtfStore> {
  return storeOn(await openLmdbEngine(options), crypto)
}

/** The store on an engine: names each operation and says whether it changes something or only reads. */
export function storeOn(engine: Engine, crypto: CryptoBackend): NtfStore {
  const c: Context = { tables: engine.tables, crypto }
  const change = engine.change.bind(engine)
  const read = engine.read.bind(engine)
  return {
    createToken: (token) => change("createToken", () => tokens.createToken(c, token)),
    token: (id) => read("token", () => findToken(c, id)),
    registration: (device, key) => read("registration", () => tokens.registration(c, device, key)),
    repeatRegistration: (id) => change("repeatRegistration", () => tokens.repeatRegistration(c, id)),
    activateToken: (id, code) => change("activateToken", () => tokens.activateToken(c, id, code)),
    replaceToken: (id, device, code) => change("replaceToken", () => tokens.replaceToken(c, id, device, code)),
    deleteToken: (id) => change("deleteToken", () => tokens.deleteToken(c, id)),
    removeUnverified: (before, page) => change("removeUnverified", () => tokens.removeUnverified(c, before, page)),
    setPeriod: (id, minutes, now) => change("setPeriod", () => tokens.setPeriod(c, id, minutes, now)),
    touchToken: (id, day) => change("touchToken", () => tokens.touchToken(c, id, day)),
    confirmToken: (id, device) => change("confirmToken", () => tokens.confirmToken(c, id, device)),
    invalidateToken: (id, device, reason) =>
      change("invalidateToken", () => tokens.invalidateToken(c, id, device, reason)),

    createSubscription: (created, limits) =>
      change("createSubscription", () => subscriptions.createSubscription(c, created, limits)),
    subscription: (id) => read("subscription", () => subscriptions.subscription(c, id)),
    deleteSubscription: (id) => change("deleteSubscription", () => subscriptions.removeSubscription(c, id)),

    relay: (id) => read("relay", () => relays.relay(c, id)),
    relays: (page) => read("relays", () => relays.relays(c, page)),
    keepCredentials: (id, credentials) => change("keepCredentials", () => relays.keepCredentials(c, id, credentials)),
    setService: (id, serviceId, forget = false) =>
      change("setService", () => relays.setService(c, id, serviceId, forget)),
    setUp: (id, up) => change("setUp", () => relays.setUp(c, id, up)),
    subscriptionsToMake: (id, page) =>
      read("subscriptionsToMake", () => subscriptions.subscriptionsToMake(c, id, page)),
    subscriptionsOf: (id, notifiers) => read("subscriptionsOf", () => subscriptions.subscriptionsOf(c, id, notifiers)),
    updateSubscriptions: (id, updates) =>
      change("updateSubscriptions", () => subscriptions.updateSubscriptions(c, id, updates)),

    recordNotifications: (id, received, time) =>
      change("recordNotifications", () => pushes.recordNotifications(c, id, received, time)),
    pendingPush: (push) => read("pendingPush", () => pushes.pendingPush(c, push)),
    pendingPushes: (page) => read("pendingPushes", () => pushes.pendingPushes(c, page)),
    finishPush: (push, sequence) => change("finishPush", () => pushes.finishPush(c, push, sequence)),
    dueTokens: (now, page) => read("dueTokens", () => tokens.dueTokens(c, now, page)),
    cronSent: (id, at) => change("cronSent", () => tokens.cronSent(c, id, at)),

    counts: () => read("counts", () => pushes.counts(c)),
    check: () => change("check", () => void nextSequence(c)),
    close: () => engine.close(),
  }
}
