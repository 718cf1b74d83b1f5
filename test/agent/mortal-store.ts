import type { AgentStore } from "@sluice/agent/store/agent-store"
import { AgentStoreError } from "@sluice/agent/store/agent-store"

/** When the process of a {@link mortalStore} dies: before this commit, or just after it was written. */
export interface Death {
  readonly atCommit: number
  readonly written: boolean
}

/** A store whose process is killed at one of its commits: nothing is read or written after that. */
export interface MortalStore extends AgentStore {
  readonly died: Promise<void>
  /** Commits so far. */
  readonly commits: number
  readonly isDead: boolean
}

export function mortalStore(store: AgentStore, death: Death): MortalStore {
  const { promise: died, resolve: die } = Promise.withResolvers<void>()
  let commits = 0
  let isDead = false
  const dead = (): Promise<never> => Promise.reject(new AgentStoreError({ code: "CLOSED" }))
  const write = async (run: () => Promise<void>): Promise<void> => {
    if (isDead) return await dead()
    commits++
    if (commits !== death.atCommit) return await run()
    isDead = true
    if (death.written) await run()
    die()
    return await dead()
  }
  return {
    died,
    get commits() {
      return commits
    },
    get isDead() {
      return isDead
    },
    commit: (changes) => write(() => store.commit(changes)),
    removeConnection: (id) => write(() => store.removeConnection(id)),
    get: (table, key) => (isDead ? dead() : store.get(table, key)),
    list: (table, range) => (isDead ? dead() : store.list(table, range)),
    close: () => store.close(),
    [Symbol.asyncDispose]: () => store.close(),
  }
}
