import { equalBytes } from "@sluice/encoding/bytes"
import type { AgentBase } from "../core/base.ts"
import { isWorthRetrying } from "../errors.ts"
import { asAgentError } from "../network/network-error.ts"
import { serverKey } from "../network/session-key.ts"
import type { NtfSessions } from "./ntf-sessions.ts"
import type { TokenDeletionRecord } from "./records.ts"
import { RowWorkers } from "./row-workers.ts"

/** What {@link TokenDeletions} need. */
export interface TokenDeletionParts extends Pick<AgentBase, "store" | "clock" | "events"> {
  readonly sessions: NtfSessions
}

/** Deletes registrations that are gone here at their servers, for as long as that takes (notifications-client.md §3.4). */
export class TokenDeletions {
  readonly #parts: TokenDeletionParts
  #deletions: TokenDeletionRecord[] = []
  /** One for each notification server. */
  readonly workers: RowWorkers<TokenDeletionRecord>

  constructor(parts: TokenDeletionParts) {
    this.#parts = parts
    this.workers = new RowWorkers(parts.clock, {
      rows: () => this.#deletions,
      workerOf: ({ server }) => serverKey(server),
      jobOf: (row) => ({ id: row.tokenId, at: 0, fresh: false, row }),
      run: async (rows) => {
        const done = await Promise.all(rows.map((row) => this.#delete(row)))
        return rows.filter((_, n) => done[n] === false)
      },
      crashed: (error) => this.#report(error),
    })
  }

  async load(): Promise<void> {
    this.#deletions = await this.#parts.store.list("notificationDeletions")
    this.workers.wakeAll()
  }

  async add(deletion: TokenDeletionRecord): Promise<void> {
    await this.#parts.store.commit([{ table: "notificationDeletions", put: deletion }])
    this.#deletions.push(deletion)
    this.workers.wake(deletion)
  }

  /** Whether it is over; false to try again. */
  async #delete(deletion: TokenDeletionRecord): Promise<boolean> {
    const { server, tokenId, key } = deletion
    try {
      await this.#parts.sessions.background(server, (client) => client.deleteToken({ tokenId, key }))
    } catch (reason) {
      const { problem } = asAgentError(reason)
      if (isWorthRetrying(problem)) return false
      this.#report(reason)
    }
    this.#deletions = this.#deletions.filter((one) => !equalBytes(one.tokenId, tokenId))
    await this.#parts.store.commit([{ table: "notificationDeletions", remove: [tokenId] }])
    return true
  }

  #report(error: unknown): void {
    this.#parts.events.emit({ type: "error", error: asAgentError(error) })
  }
}
