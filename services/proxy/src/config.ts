import { duration, integer, list, listenAddress, orOff, path, port, secret, text } from "@sluice/ops/kinds"
import { type ConfigOf, group, optional, setting } from "@sluice/ops/settings"
import { adminSettings, logSettings, shutdownSettings } from "@sluice/ops/standard-settings"
import { proxySettings } from "@sluice/proxying/settings"
import { serverSettings } from "@sluice/server-kit/server-settings"

const PASSWORD = {
  pattern: /^[!-.0-9;-?A-~]+$/,
  allowed: "printable ASCII characters without space, @, : and /",
} as const

/**
 * Every setting of the proxy. `[proxy]`, how messages are forwarded, is the same in a relay that is a proxy as well;
 * `[proxy_server]` is what only a program of its own needs.
 */
export const proxyServerSettings = {
  proxyServer: group("The SMP proxy as a program of its own.", {
    host: setting(list(text({ pattern: /^[^\s,@:/[\]]+$/, allowed: "host names or IPv4 addresses" }), { min: 1 }), {
      default: ["localhost"],
      help: "Names under which clients reach the proxy, for its address and certificate; the first one is the main one.",
    }),
    bind: setting(list(listenAddress(), { min: 1 }), {
      default: ["*"],
      help: "Addresses of this machine to listen on.",
    }),
    port: setting(port(), { default: 5225, help: "TCP port for SMP; 0 takes a free one." }),
    password: optional(secret(PASSWORD), {
      help: "Needed to use the proxy; part of the address that you give to your users.",
    }),
    identity: setting(path(), {
      default: "identity",
      help: "Folder of ca.crt, server.crt and server.key, relative to the data folder; ca.key is not needed to serve.",
    }),
    minVersion: setting(integer({ min: 6, max: 20 }), { default: 6, help: "Oldest protocol version offered." }),
    maxVersion: setting(integer({ min: 8, max: 20 }), { default: 20, help: "Newest protocol version offered." }),
  }),
  proxy: proxySettings,
  limits: group(serverSettings.help, {
    ...serverSettings.entries,
    idleTimeout: setting(orOff(duration({ min: "10ms" })), {
      default: "6h",
      help: "Silence in both directions after which a session is closed.",
    }),
  }),
  admin: adminSettings(9_224),
  log: logSettings,
  shutdown: shutdownSettings,
} as const

/** The checked configuration. */
export type ProxyServerConfig = ConfigOf<typeof proxyServerSettings>

/** Sections of other programs that may stand in the same file. */
export const FOREIGN_SECTIONS: readonly string[] = [
  ...["relay", "store", "redis", "fleet", "identity", "names", "blobs", "statistics", "moderation"],
  ...["notifications", "push", "links", "agent"],
]
