import { choice, duration, flag, integer, list, listenAddress, path, port, text } from "@sluice/ops/kinds"
import { type ConfigOf, group, setting } from "@sluice/ops/settings"
import { adminSettings, logSettings, shutdownSettings } from "@sluice/ops/standard-settings"
import { pushSettings } from "@sluice/push/settings"
import { redisSettings } from "@sluice/redis/settings"
import { serverSettings } from "@sluice/server-kit/server-settings"

/** `[notifications]`: what is this server's own. Defaults are the reference's where it has such a setting or constant. */
export const notificationsGroup = group("The push-notification server.", {
  host: setting(list(text({ pattern: /^[^\s,@:/[\]]+$/, allowed: "host names or IPv4 addresses" }), { min: 1 }), {
    default: ["localhost"],
    help: "Names under which devices reach the server, for its address and certificate; the first one is the main one.",
  }),
  bind: setting(list(listenAddress(), { min: 1 }), {
    default: ["*"],
    help: "Addresses of this machine to listen on.",
  }),
  port: setting(port(), { default: 443, help: "TCP port for devices; 0 takes a free one." }),
  identity: setting(path(), {
    default: "notifications-identity",
    help: "Folder of ca.crt, server.crt and server.key, relative to the data folder; ca.key is not needed to serve.",
  }),
  minVersion: setting(integer({ min: 1, max: 3 }), { default: 1, help: "Oldest protocol version offered." }),
  maxVersion: setting(integer({ min: 1, max: 3 }), { default: 3, help: "Newest protocol version offered." }),
  store: setting(choice("lmdb", "redis", "memory"), {
    default: "lmdb",
    help: "Where registrations are kept: lmdb on this machine, redis for a fleet of servers, or memory, which forgets them at the end.",
  }),
  storePath: setting(path(), {
    default: "notifications-store",
    help: "Folder of the embedded store, relative to the data folder.",
  }),
  lease: setting(duration({ min: "300ms", max: "10m" }), {
    default: "10s",
    help: "Silence after which the other servers of a fleet take the relays and pushes of one that died.",
  }),
  testTokens: setting(flag(), {
    default: false,
    help: "Whether tokens of test push services are taken; only for test suites.",
  }),
  subscriptionsPerToken: setting(integer({ min: 1, max: 1_000_000 }), {
    default: 10_000,
    help: "Queues that one device may subscribe to; more get ERR QUOTA.",
  }),
  relaysPerToken: setting(integer({ min: 1, max: 10_000 }), {
    default: 100,
    help: "Relays that the queues of one device may be on; more get ERR QUOTA.",
  }),
  registrationsPerMinute: setting(integer({ min: 1, max: 1_000_000 }), {
    default: 20,
    help: "Registrations of device tokens (TNEW, TRPL) of one connection in a minute; more get ERR QUOTA.",
  }),
  unverifiedTtl: setting(duration({ min: "1d", max: "3650d" }), {
    default: "7d",
    help: "Time after which registrations that were never verified are removed, counted in days from their last use.",
  }),
  periodicCheckInterval: setting(duration({ min: "10ms" }), {
    default: "5m",
    help: "How often devices are looked for whose periodic push is due.",
  }),
  pushConcurrency: setting(integer({ min: 1, max: 10_000 }), {
    default: 100,
    help: "Pushes under way at a time, for each push service.",
  }),
  maxWaitingPushes: setting(integer({ min: 1 }), {
    default: 32_768,
    help: "Pushes that wait in memory; further ones stay in the store until there is room.",
  }),
  service: setting(flag(), {
    default: true,
    help: "Subscribe to relays as a service, with a certificate for each; the reference has it off.",
  }),
  allowPrivateRelays: setting(flag(), {
    default: false,
    help: "Whether relays at addresses of this machine and of private networks are connected to. Devices name the relays.",
  }),
  relayConnectTimeout: setting(duration({ min: "10ms" }), { default: "45s", help: "Time to connect to a relay." }),
  relayCommandTimeout: setting(duration({ min: "10ms" }), {
    default: "30s",
    help: "Time for a relay's answer; 20 ms more for each command before it.",
  }),
  relayPingInterval: setting(duration({ min: "10ms" }), {
    default: "60s",
    help: "Silence after which a relay is asked for a sign of life.",
  }),
  subscriptionBatch: setting(integer({ min: 1, max: 2000 }), {
    default: 900,
    help: "Queues of a relay that are subscribed before the answers are awaited.",
  }),
  maxConnectingRelays: setting(integer({ min: 1 }), {
    default: 32,
    help: "Relays that have answered and are connected to at a time, each for its first 5 s; a quarter as many new, lost and failing ones each.",
  }),
  maxSubscriptionBatches: setting(integer({ min: 1 }), {
    default: 32,
    help: "Batches of subscriptions under way at the same time, over all relays.",
  }),
})

/** Every setting of the push-notification server as a program of its own. */
export const notificationsSettings = {
  notifications: notificationsGroup,
  push: pushSettings,
  redis: redisSettings,
  limits: serverSettings,
  admin: adminSettings(9_226),
  log: logSettings,
  shutdown: shutdownSettings,
} as const

/** The checked configuration. */
export type NotificationsConfig = ConfigOf<typeof notificationsSettings>

/** Sections of other programs that may stand in the same file. */
export const FOREIGN_SECTIONS: readonly string[] = [
  ...["relay", "store", "fleet", "identity", "names", "blobs", "statistics", "moderation"],
  ...["proxy", "proxy_server", "links", "blob_links", "cluster", "up", "workers", "agent"],
]
