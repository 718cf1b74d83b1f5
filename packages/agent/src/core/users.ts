import type { Server, ServerAddress } from "@sluice/encoding/server-address"
import { AgentError } from "../errors.ts"
import { chooseServer, shareHost } from "../network/server-choice.ts"
import type { ServerSetting } from "../network/settings.ts"
import type { AgentStore } from "../store/agent-store.ts"
import type { UserId, UserRecord } from "../store/records.ts"

/** The users of an agent and their servers. Few, so they are all in memory, too. */
export class Users {
  readonly #store: AgentStore
  readonly #users = new Map<UserId, UserRecord>()

  constructor(store: AgentStore) {
    this.#store = store
  }

  /** Reads what is stored; before anything else. */
  async load(): Promise<void> {
    for (const user of await this.#store.list("users")) this.#users.set(user.id, user)
  }

  /** Also those that are being deleted. */
  list(): readonly UserRecord[] {
    return [...this.#users.values()]
  }

  /** Throws `AgentError` NO_USER; also for one that is being deleted. */
  get(id: UserId): UserRecord {
    const user = this.#users.get(id)
    if (user === undefined || user.deleted === true) throw new AgentError({ code: "NO_USER" })
    return user
  }

  /** A new user; the ID. */
  async create(servers: readonly ServerSetting[]): Promise<UserId> {
    const id = Math.max(0, ...this.#users.keys()) + 1
    await this.put({ id, servers })
    return id
  }

  /** Stores a user as it is now. */
  async put(user: UserRecord): Promise<void> {
    this.#users.set(user.id, user)
    await this.#store.commit([{ table: "users", put: user }])
  }

  async remove(id: UserId): Promise<void> {
    this.#users.delete(id)
    await this.#store.commit([{ table: "users", remove: [id] }])
  }

  /** Servers of a user, also of one that is being deleted. */
  servers(id: UserId): readonly ServerSetting[] {
    return this.#users.get(id)?.servers ?? []
  }

  /** A server for a new queue. Throws `AgentError` NO_SERVERS. */
  storageServer(id: UserId, used: readonly Server[], random: () => number): ServerAddress {
    const server = chooseServer(this.servers(id), "storage", used, random)
    if (server === undefined) throw new AgentError({ code: "NO_SERVERS" })
    return server
  }

  /** The user's own address of a server, with its password. */
  addressOf(id: UserId, server: Server): ServerAddress | undefined {
    return this.servers(id).find(({ address }) => shareHost(address, server))?.address
  }
}
