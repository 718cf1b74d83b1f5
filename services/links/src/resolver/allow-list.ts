import type { ServerAddress } from "@sluice/encoding/server-address"
import type { Dial } from "@sluice/smp-client/dial"

/** A relay from which links may be fetched. */
export interface AllowedRelay {
  /** As links and visitors know it. */
  readonly address: ServerAddress
  /** Where it is reached from here, if not by that address; asked at each connection. The identity must be the same. */
  readonly connectTo?: () => { readonly hosts: readonly string[]; readonly port: string }
  /** How it is dialed, if not by TCP alone. */
  readonly dial?: Dial
}

/** The relays of the configuration by any of their host names, in lower case. No other one is ever connected to. */
export class AllowList {
  readonly relays: readonly AllowedRelay[]
  readonly #byHost = new Map<string, AllowedRelay>()

  constructor(relays: readonly AllowedRelay[]) {
    this.relays = relays
    for (const relay of relays) {
      for (const host of relay.address.hosts) {
        const name = host.toLowerCase()
        if (!this.#byHost.has(name)) this.#byHost.set(name, relay)
      }
    }
  }

  /** The relay that has this host name. */
  find(host: string): AllowedRelay | undefined {
    return this.#byHost.get(host.toLowerCase())
  }
}
