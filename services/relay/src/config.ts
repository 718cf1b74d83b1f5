import {
  choice,
  duration,
  flag,
  integer,
  list,
  listenAddress,
  orOff,
  path,
  port,
  secret,
  text,
} from "@sluice/ops/kinds"
import { type ConfigOf, group, optional, setting } from "@sluice/ops/settings"
import { adminSettings, logSettings, shutdownSettings } from "@sluice/ops/standard-settings"
import { proxySettings } from "@sluice/proxying/settings"
import { redisSettings } from "@sluice/redis/settings"
import { serverSettings } from "@sluice/server-kit/server-settings"
import { blobSettings } from "./blobs.ts"
import { namesSettings } from "./names-settings.ts"
import type { RelayPolicy } from "./settings.ts"

const PASSWORD = {
  pattern: /^[!-.0-9;-?A-~]+$/,
  allowed: "printable ASCII characters without space, @, : and /",
} as const

/**
 * Every setting of the relay. Defaults are the reference server's where it has such a setting or constant
 * (relay-operations.md §3). `docs/settings.md` is made from this.
 */
export const relaySettings = {
  relay: group("The SMP relay.", {
    host: setting(list(text({ pattern: /^[^\s,@:/[\]]+$/, allowed: "host names or IPv4 addresses" }), { min: 1 }), {
      default: ["localhost"],
      help: "Names under which clients reach the relay, for its address and certificate; the first one is the main one.",
    }),
    bind: setting(list(listenAddress(), { min: 1 }), {
      default: ["*"],
      help: "Addresses of this machine to listen on.",
    }),
    port: setting(port(), { default: 5223, help: "TCP port for SMP; 0 takes a free one." }),
    sharePort: setting(flag(), {
      default: false,
      help: "Let other relay processes of this user listen on the same port; the system deals connections out. Linux and FreeBSD.",
    }),
    password: optional(secret(PASSWORD), {
      help: "Needed to create queues and to use the relay as a proxy; part of the address that you give to your users.",
    }),
    newQueues: setting(flag(), { default: true, help: "Whether queues may be created; off winds the relay down." }),
    minVersion: setting(integer({ min: 6, max: 20 }), { default: 6, help: "Oldest protocol version offered." }),
    maxVersion: setting(integer({ min: 6, max: 20 }), { default: 20, help: "Newest protocol version offered." }),
    messageQuota: setting(integer({ min: 1, max: 10_000 }), {
      default: 128,
      help: "Messages that a queue holds before its sender is told to wait.",
    }),
    messageTtl: setting(duration({ min: "10ms" }), { default: "21d", help: "How long undelivered messages are kept." }),
    messageCheckInterval: setting(duration({ min: "10ms" }), {
      default: "2h",
      help: "How often old messages are looked for.",
    }),
    expireOnStart: setting(flag(), { default: true, help: "Look for old messages at the start, too." }),
    expireOnSend: setting(flag(), { default: true, help: "Remove a queue's old messages when one is sent to it." }),
    notificationTtl: setting(duration({ min: "10ms" }), {
      default: "24h",
      help: "How long notifications wait for a subscriber.",
    }),
    notificationCheckInterval: setting(duration({ min: "10ms" }), {
      default: "1h",
      help: "How often old notifications are looked for.",
    }),
    notificationInterval: setting(duration({ min: "1ms" }), {
      default: "250ms",
      help: "How long notifications are gathered before they are sent together.",
    }),
    endInterval: setting(duration({ min: "1ms" }), {
      default: "15s",
      help: "How long END and DELD events are gathered before they are sent together.",
    }),
    invitationTtl: optional(duration({ min: "10ms" }), {
      help: "Remove link data of one-time invitations that nobody used after this time; unset keeps them, as the reference does.",
      example: "21d",
    }),
  }),
  limits: group(serverSettings.help, {
    ...serverSettings.entries,
    idleTimeout: setting(orOff(duration({ min: "10ms" })), {
      default: "6h",
      help: "Silence in both directions after which a session without subscriptions is closed.",
    }),
  }),
  proxy: proxySettings,
  store: group("Where queues and messages are kept.", {
    kind: setting(choice("lmdb", "redis", "memory"), {
      default: "lmdb",
      help: "lmdb keeps everything durably in the data folder; redis in a Redis that several relays share; memory forgets everything at the end.",
    }),
    rememberedQueues: setting(integer({ min: 1, max: 10_000_000 }), {
      default: 20_000,
      help: "With the store redis: queues whose record a relay keeps in memory, about 1.3 KB each, so that SEND and ACK need no look-up; those used last.",
    }),
    path: setting(path(), { default: "store", help: "Folder of the embedded store, relative to the data folder." }),
    backupPath: setting(path(), {
      default: "backups",
      help: "Folder below which snapshots of the embedded store are written, relative to the data folder.",
    }),
  }),
  redis: redisSettings,
  fleet: group("Relays that share one address and one store.", {
    lease: setting(duration({ min: "100ms", max: "5m" }), {
      default: "10s",
      help: "How long a relay that is not heard of still counts as alive; with the store redis, the same for all relays.",
    }),
  }),
  identity: group("The relay's certificates.", {
    path: setting(path(), {
      default: "identity",
      help: "Folder of ca.crt, server.crt and server.key, relative to the data folder; ca.key is not needed to serve.",
    }),
  }),
  names: namesSettings,
  blobs: blobSettings,
  statistics: group("Figures by day.", {
    daily: setting(flag(), {
      default: false,
      help: "Write a line of figures at midnight (UTC), in the reference server's format, and keep the day's over a restart.",
    }),
    path: setting(path(), {
      default: "statistics",
      help: "Folder of daily.csv and of what is kept, relative to the data folder.",
    }),
  }),
  moderation: group("Blocking of queues by administrators.", {
    dailyBlocks: setting(integer({ min: -1 }), {
      default: 20,
      help: "Queues that may be blocked per day (UTC); 0 is no limit, -1 forbids blocking.",
    }),
  }),
  admin: adminSettings(9_223),
  log: logSettings,
  shutdown: shutdownSettings,
} as const

export type RelayConfig = ConfigOf<typeof relaySettings>

/** The relay's policy in the units of the protocol: seconds. */
export function policyOf({ relay }: RelayConfig): RelayPolicy {
  return {
    versions: { min: relay.minVersion, max: relay.maxVersion },
    messageQuota: relay.messageQuota,
    messageTtl: relay.messageTtl / 1000,
    messageCheckInterval: relay.messageCheckInterval / 1000,
    expireOnStart: relay.expireOnStart,
    expireOnSend: relay.expireOnSend,
    notificationTtl: relay.notificationTtl / 1000,
    notificationCheckInterval: relay.notificationCheckInterval / 1000,
    notificationInterval: relay.notificationInterval / 1000,
    endInterval: relay.endInterval / 1000,
    invitationTtl: relay.invitationTtl === undefined ? undefined : relay.invitationTtl / 1000,
    password: relay.password?.reveal(),
    newQueues: relay.newQueues,
  }
}
