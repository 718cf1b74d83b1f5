import { DecodeError } from "@sluice/encoding/errors"
import { formatServerAddress, parseServerAddress, type ServerAddress } from "@sluice/encoding/server-address"
import { type Kind, parsedKind } from "@sluice/ops/kind"
import { duration, flag, integer, list, listenAddress, network, path, port, size, text } from "@sluice/ops/kinds"
import { OperatorError } from "@sluice/ops/operator-error"
import { type ConfigOf, group, optional, setting } from "@sluice/ops/settings"
import { adminSettings, logSettings, shutdownSettings } from "@sluice/ops/standard-settings"
import { informationSettings } from "./information.ts"

const HOST = { pattern: /^[^\s,@:/[\]]+$/, allowed: "host names or IPv4 addresses" } as const

/** `[links]`: the pages for links, and the resolver behind them. */
export const linksGroup = group("The pages for links, and what they show of an address.", {
  enabled: setting(flag(), {
    default: false,
    help: "Whether `sluice up` and `sluice relay` serve the pages as well; `sluice links` does in any case.",
  }),
  bind: setting(list(listenAddress(), { min: 1 }), {
    default: ["127.0.0.1"],
    help: "Addresses of this machine to listen on; by default for a reverse proxy on the same machine.",
  }),
  port: setting(port(), { default: 8080, help: "TCP port for HTTP, or HTTPS with a certificate; 0 takes a free one." }),
  certificate: optional(path(), {
    help: "Certificate for browsers in PEM, with its chain, relative to the data folder; without it the pages are plain HTTP.",
    example: "web.crt",
  }),
  key: optional(path(), { help: "Private key of that certificate in PEM.", example: "web.key" }),
  onRelayPort: setting(flag(), {
    default: false,
    help: "Also serve the pages on the relay's own port, to clients that send a server name; needs a certificate.",
  }),
  hosts: setting(list(text(HOST)), {
    default: [],
    help: "Host names that requests may be for; empty takes all. Others get the answer 421.",
  }),
  trustedProxies: setting(list(network()), {
    default: [],
    help: "Reverse proxies whose X-Forwarded-For is believed, so that limits per client see the client.",
  }),
  relays: setting(list(relayAddress()), {
    default: [],
    help: "Relays from which addresses are previewed, as smp://FINGERPRINT@HOST[:PORT]; others are never connected to.",
  }),
  preview: setting(flag(), { default: true, help: "Whether pages show the profile behind a contact address." }),
  cacheTime: setting(duration({ min: "0s", max: "1h" }), {
    default: "30s",
    help: "How long the encrypted data of a link is kept in memory; an update or deletion is seen after that.",
  }),
  cacheSize: setting(size({ min: "64KiB" }), {
    default: "16MiB",
    help: "Memory for that data, about 16 KiB for each link.",
  }),
  fetchTimeout: setting(duration({ min: "100ms", max: "2m" }), {
    default: "10s",
    help: "How long a relay may take to give the data of a link, connecting included.",
  }),
  maxFetches: setting(integer({ min: 1, max: 1000 }), {
    default: 16,
    help: "Links that are asked for at one relay at the same time; more wait.",
  }),
  maxWaitingFetches: setting(integer({ min: 0 }), {
    default: 256,
    help: "Links that wait for that at one relay; with more, clients are told to come back later.",
  }),
  previewsPerMinute: setting(integer({ min: 1 }), {
    default: 30,
    help: "Previews of one client (IPv4 address, IPv6 /64) per minute, in the long run.",
  }),
  previewBurst: setting(integer({ min: 1 }), {
    default: 20,
    help: "Previews that a client may ask for at once before that rate applies.",
  }),
  maxClients: setting(integer({ min: 1 }), {
    default: 50_000,
    help: "Clients whose rate is remembered, as keyed hashes of their addresses; about 200 bytes each.",
  }),
  maxConnections: setting(integer({ min: 1 }), {
    default: 2_000,
    help: "HTTP connections at the same time; more are closed at once.",
  }),
  requestTimeout: setting(duration({ min: "1s", max: "5m" }), {
    default: "15s",
    help: "How long a client may take to send a request.",
  }),
  iosApps: setting(
    list(text({ pattern: /^[A-Z0-9]{10}\.[\w.-]+$/, allowed: "app IDs such as ABCDE12345.com.example.app" })),
    {
      default: ["5NN7GUYB6T.chat.simplex.app"],
      help: "iOS apps that may open the links of this host; empty serves no association file.",
    },
  ),
  androidPackage: setting(text({ pattern: /^\w+(\.\w+)+$/, allowed: "a package name" }), {
    default: "chat.simplex.app",
    help: "Android app that may open the links of this host.",
  }),
  androidFingerprints: optional(
    list(text({ pattern: /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/, allowed: "SHA-256 digests such as 5E:3E:…, 32 bytes" })),
    { help: "Certificates of that app; unset means those of the published one, empty serves no association file." },
  ),
  information: informationSettings,
})

/** Every setting of `sluice links`, a program of its own. */
export const linksSettings = {
  links: linksGroup,
  admin: adminSettings(9_225),
  log: logSettings,
  shutdown: shutdownSettings,
} as const

/** The checked `[links]`. */
export type LinksConfig = ConfigOf<typeof linksGroup.entries>

/** The checked configuration of the program. */
export type LinksProgramConfig = ConfigOf<typeof linksSettings>

/** Sections of other programs that may stand in the same file. */
export const FOREIGN_SECTIONS: readonly string[] = [
  ...["relay", "limits", "proxy", "store", "redis", "fleet", "identity", "names", "blobs", "statistics", "moderation"],
  ...["proxy_server", "notifications", "push", "agent"],
]

/** Checks settings that are fine by themselves against each other. Throws `OperatorError`. */
export function checkLinks({ certificate, key, onRelayPort }: LinksConfig): void {
  if ((certificate === undefined) !== (key === undefined)) {
    const missing = key === undefined ? "links.key" : "links.certificate"
    throw new OperatorError(`${missing} is not set; allowed: both of links.certificate and links.key, or none`)
  }
  if (onRelayPort && certificate === undefined) {
    throw new OperatorError("links.certificate is not set; allowed: a certificate, or links.on_relay_port = false")
  }
}

/** An SMP server's address, without a password: nothing that these pages do needs one. */
function relayAddress(): Kind<ServerAddress> {
  return parsedKind(
    "a relay's address such as smp://FINGERPRINT@smp.example.com, without its password",
    (raw, refuse) => {
      if (typeof raw !== "string") return refuse()
      try {
        const address = parseServerAddress(raw.trim(), { scheme: "smp", password: "refused" })
        return address.keyHash.length === 32 ? address : refuse()
      } catch (error) {
        if (error instanceof DecodeError) return refuse()
        throw error
      }
    },
    (address) => formatServerAddress(address),
  )
}
