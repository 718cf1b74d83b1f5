import { join } from "node:path"
import { FOREIGN_SECTIONS as LINKS_FOREIGN, linksSettings } from "@sluice/links/config"
import { FOREIGN_SECTIONS as NOTIFICATIONS_FOREIGN, notificationsSettings } from "@sluice/notifications/config"
import { type ResolvedConfig, resolveConfig } from "@sluice/ops/config"
import { readConfigFile, readSecretFile } from "@sluice/ops/config-file"
import type { Entries } from "@sluice/ops/settings"
import { FOREIGN_SECTIONS as PROXY_FOREIGN, proxyServerSettings } from "@sluice/proxy/config"
import type { RedisConfig } from "@sluice/redis/settings"
import { type IdentityFiles, identityFiles } from "@sluice/transport/certificates"
import { loadSettings, type Place } from "../place.ts"

/** Services that can be examined. */
export const SERVICES = ["relay", "proxy", "notifications", "links"] as const
export type ServiceName = (typeof SERVICES)[number]

/** What the checks have to know of a service, whichever it is. */
export interface Subject {
  readonly service: ServiceName
  /** Section of the file with its addresses and ports. */
  readonly section: string
  /** Names under which it is reached. */
  readonly hosts: readonly string[]
  readonly bind: readonly string[]
  readonly port: number
  readonly admin: { readonly bind: string; readonly port: number }
  /** Its certificates; pages for links have none of their own. */
  readonly identity: IdentityFiles | undefined
  /** Folder of an embedded store. */
  readonly storeFolder: string | undefined
  /** Where its store is, if it is there. */
  readonly redis: RedisConfig | undefined
  readonly connections: {
    /** Most of them at a time. */
    readonly max: number
    /** Setting of that. */
    readonly key: string
    /** Bytes of memory for each (docs/limits.md). */
    readonly bytes: number
  }
  readonly given: ResolvedConfig<Entries>["given"]
}

/** Memory of a session of blocks, and of an HTTP connection. */
const SESSION = 85 * 1024
const HTTP_CONNECTION = 32 * 1024

/** Variables that say where things are. */
const OTHER_VARIABLES = ["SLUICE_DATA", "SLUICE_CONFIG", "SLUICE_VECTORS"]

/** Reads the settings of a service. Throws `OperatorError` for the first one that is wrong. */
export function subjectOf(service: ServiceName, place: Place): Subject {
  const identity = (path: string): IdentityFiles => identityFiles(join(place.dataFolder, path))
  const inLimits = (max: number): Subject["connections"] => ({ max, key: "limits.max_connections", bytes: SESSION })
  switch (service) {
    case "relay": {
      const { config, given } = loadSettings(place)
      return {
        ...{ service, section: "relay", given, admin: config.admin },
        ...{ hosts: config.relay.host, bind: config.relay.bind, port: config.relay.port },
        identity: identity(config.identity.path),
        storeFolder: config.store.kind === "lmdb" ? join(place.dataFolder, config.store.path) : undefined,
        redis: config.store.kind === "redis" ? config.redis : undefined,
        connections: inLimits(config.limits.maxConnections),
      }
    }
    case "proxy": {
      const { config, given } = load(proxyServerSettings, PROXY_FOREIGN, place)
      const { host, bind, port } = config.proxyServer
      return {
        ...{ service, section: "proxy_server", given, admin: config.admin, hosts: host, bind, port },
        ...{ identity: identity(config.proxyServer.identity), storeFolder: undefined, redis: undefined },
        connections: inLimits(config.limits.maxConnections),
      }
    }
    case "notifications": {
      const { config, given } = load(notificationsSettings, NOTIFICATIONS_FOREIGN, place)
      const { host, bind, port, store, storePath } = config.notifications
      return {
        ...{ service, section: "notifications", given, admin: config.admin, hosts: host, bind, port },
        identity: identity(config.notifications.identity),
        storeFolder: store === "lmdb" ? join(place.dataFolder, storePath) : undefined,
        redis: store === "redis" ? config.redis : undefined,
        connections: inLimits(config.limits.maxConnections),
      }
    }
    case "links": {
      const { config, given } = load(linksSettings, LINKS_FOREIGN, place)
      const { hosts, bind, port, maxConnections } = config.links
      return {
        ...{ service, section: "links", given, admin: config.admin, hosts, bind, port },
        ...{ identity: undefined, storeFolder: undefined, redis: undefined },
        connections: { max: maxConnections, key: "links.max_connections", bytes: HTTP_CONNECTION },
      }
    }
    default:
      return service satisfies never
  }
}

function load<E extends Entries>(entries: E, foreignGroups: readonly string[], place: Place): ResolvedConfig<E> {
  const path = place.configNamed ? place.configFile : undefined
  const file = readConfigFile({ dataFolder: place.dataFolder, path })
  return resolveConfig(entries, { file, env: place.env, otherEnv: OTHER_VARIABLES, foreignGroups, readSecretFile })
}
