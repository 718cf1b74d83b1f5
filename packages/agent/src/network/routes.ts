import type { Server, ServerAddress } from "@sluice/encoding/server-address"
import type { ProxiedRelay } from "@sluice/smp-client/proxied-relay"
import { fallbackAllowed, proxyUnusable } from "@sluice/smp-client/routing-policy"
import type { SmpCommands } from "@sluice/smp-client/smp-commands"
import { AgentError } from "../errors.ts"
import { isProtected } from "./hosts.ts"
import { networkError, withoutPassword } from "./network-error.ts"
import { chooseServer, isKnown } from "./server-choice.ts"
import { type SessionOwner, sessionKey } from "./session-key.ts"
import type { SessionPool } from "./session-pool.ts"
import type { NetworkSettings, ServerSetting } from "./settings.ts"

/** How a command of a sender went. */
export interface Routed<T> {
  readonly value: T
  /** The proxy that it went through. */
  readonly proxy?: Server | undefined
}

/** A command of a sender to whatever stands for the relay: itself, or what reaches it through a proxy. */
export type SenderCommand<T> = (relay: SmpCommands) => Promise<T>

interface ProxyRoute {
  readonly proxy: ServerAddress
  readonly relay: Promise<ProxiedRelay>
}

/**
 * Sends the commands of senders, `SEND`, `SKEY`, `LKEY` and `LGET`, directly or through a proxy (agent.md §15). One
 * attempt each: what was not delivered is stored, and its schedule decides about the next.
 */
export class Routes {
  readonly #pool: SessionPool
  readonly #servers: (userId: number) => readonly ServerSetting[]
  readonly #random: () => number
  readonly #proxies = new Map<string, ProxyRoute>()

  constructor(pool: SessionPool, servers: (userId: number) => readonly ServerSetting[], random: () => number) {
    this.#pool = pool
    this.#servers = servers
    this.#random = random
  }

  /** Rejects with `AgentError`. */
  async send<T>(owner: SessionOwner, server: Server, command: SenderCommand<T>): Promise<Routed<T>> {
    const settings = this.#pool.settings
    if (!goesThroughProxy(server, this.#servers(owner.userId), settings))
      return await this.#direct(owner, server, command)
    const route = this.#route(owner, server)
    if (route === undefined) throw new AgentError({ code: "NO_SERVERS" })
    try {
      return { value: await command(await route.relay), proxy: withoutPassword(route.proxy) }
    } catch (error) {
      const direct = proxyUnusable(error) && fallbackAllowed(settings.proxyFallback, isProtected(server, settings))
      if (!direct) throw networkError(error, { server, proxy: route.proxy })
    }
    return await this.#direct(owner, server, command)
  }

  /** Forgets which proxies were used; with the sessions of the pool. */
  reset(): void {
    this.#proxies.clear()
  }

  async #direct<T>(owner: SessionOwner, server: Server, command: SenderCommand<T>): Promise<Routed<T>> {
    return { value: await this.#pool.ask(owner, server, command) }
  }

  /** A proxy stays with its destination, until it can not be opened. */
  #route(owner: SessionOwner, server: Server): ProxyRoute | undefined {
    const key = sessionKey(this.#pool.settings.sessionMode, owner, server)
    const known = this.#proxies.get(key)
    if (known !== undefined) return known
    const proxy = chooseServer(this.#servers(owner.userId), "proxy", [server], this.#random)
    if (proxy === undefined) return undefined
    const relay = this.#pool.session(owner, proxy).client.openRelay(server)
    const route: ProxyRoute = { proxy, relay }
    this.#proxies.set(key, route)
    relay.catch(() => {
      if (this.#proxies.get(key) === route) this.#proxies.delete(key)
    })
    return route
  }
}

/** Whether the settings want a proxy between the user and this relay. */
export function goesThroughProxy(
  server: Server,
  servers: readonly ServerSetting[],
  settings: NetworkSettings,
): boolean {
  switch (settings.proxyUse) {
    case "always":
      return true
    case "unknown":
      return !isKnown(servers, server)
    case "unprotected":
      return !isKnown(servers, server) && !isProtected(server, settings)
    case "never":
      return false
  }
}
