import { toHex } from "@sluice/encoding/bytes"
import type { Timer } from "@sluice/ops/clock"
import { newConnectionId } from "../connection/new-connection.ts"
import { FAST, firstRetry, nextRetry } from "../connection/retry.ts"
import { isWorthRetrying } from "../errors.ts"
import type { CommandResult } from "../events.ts"
import { asAgentError } from "../network/network-error.ts"
import type { CommandRecord, ConnectionId, RetryState, UserId } from "../store/records.ts"
import type { AgentContext } from "./context.ts"
import { type CreateOptions, createConnection } from "./create.ts"
import { acceptRequest, type JoinOptions, join } from "./join.ts"
import { readShortLink, writeShortLink } from "./links.ts"
import { Locks } from "./locks.ts"

/** A signal ends with its process. */
type Storable<O> = Omit<O, "signal">

/** What can be done later. The connection, where there will be one, has its ID from the beginning. */
export type AgentCommand =
  | { readonly type: "create"; readonly userId: UserId; readonly options: Storable<CreateOptions> }
  | { readonly type: "join"; readonly userId: UserId; readonly link: string; readonly options: Storable<JoinOptions> }
  | {
      readonly type: "accept"
      readonly invitationId: Uint8Array
      readonly options: Storable<Omit<JoinOptions, "subscribe">>
    }
  | { readonly type: "set-link"; readonly connectionId: ConnectionId; readonly linkData: Uint8Array }
  | { readonly type: "read-link"; readonly userId: UserId; readonly link: string }

/**
 * Commands that are stored, and carried out as soon as it is possible, also after a restart (agent.md §17). What fails for
 * now is tried again; the end of each is an event with the correlation that the caller chose.
 */
export class Commands {
  readonly #context: AgentContext
  readonly #locks = new Locks()
  readonly #timers = new Map<number, Timer>()
  #last = 0
  #stopped = false

  constructor(context: AgentContext) {
    this.#context = context
  }

  /** Stores a command; gives the ID of the connection that it is about, if it is about one. */
  async add(correlation: string, command: AgentCommand): Promise<ConnectionId | undefined> {
    const { store, crypto } = this.#context
    const withId = identified(command, () => newConnectionId(crypto))
    const connectionId = connectionOf(withId)
    const record: CommandRecord = { number: ++this.#last, correlation, connectionId, command: { ...withId } }
    await store.commit([{ table: "commands", put: record }])
    this.#run(record, firstRetry(FAST))
    return connectionId
  }

  /** Begins with what is stored, or goes on with it after {@link stop}. */
  async resume(): Promise<void> {
    this.#stopped = false
    for (const record of await this.#context.store.list("commands")) {
      this.#last = Math.max(this.#last, record.number)
      this.#run(record, firstRetry(FAST))
    }
  }

  /** Tries at once what waits. */
  async retryNow(): Promise<void> {
    if (this.#timers.size === 0) return
    for (const timer of this.#timers.values()) timer.cancel()
    const waiting = new Set(this.#timers.keys())
    this.#timers.clear()
    for (const record of await this.#context.store.list("commands")) {
      if (waiting.has(record.number)) this.#run(record, firstRetry(FAST))
    }
  }

  /** Starts no more; resolves when none is under way. */
  async stop(): Promise<void> {
    this.#stopped = true
    for (const timer of this.#timers.values()) timer.cancel()
    this.#timers.clear()
    await this.#locks.idle()
  }

  #run(record: CommandRecord, state: RetryState): void {
    const key = record.connectionId === undefined ? `command ${record.number}` : toHex(record.connectionId)
    this.#locks
      .run(key, () => this.#execute(record, state))
      .catch((error: unknown) => this.#context.events.emit({ type: "error", error: asAgentError(error) }))
  }

  async #execute(record: CommandRecord, state: RetryState): Promise<void> {
    if (this.#stopped) return
    let result: CommandResult
    try {
      // What was stored by this program has the shape that it had then.
      result = await execute(this.#context, record.command as unknown as AgentCommand)
    } catch (reason) {
      const error = asAgentError(reason)
      if (this.#stopped || error.problem.code === "INACTIVE" || error.problem.code === "STORE") return
      if (isWorthRetrying(error.problem)) {
        this.#later(record, state)
        return
      }
      result = { type: "failed", error }
    }
    await this.#context.store.commit([{ table: "commands", remove: [record.number] }])
    const { correlation, connectionId } = record
    this.#context.events.emit({ type: "command-done", correlation, connectionId, result })
  }

  #later(record: CommandRecord, state: RetryState): void {
    const run = (): void => {
      this.#timers.delete(record.number)
      this.#run(record, nextRetry(state, FAST))
    }
    this.#timers.set(record.number, this.#context.clock.setTimeout(run, state.delay, { background: true }))
  }
}

async function execute(context: AgentContext, command: AgentCommand): Promise<CommandResult> {
  switch (command.type) {
    case "create": {
      const { link, shortLink } = await createConnection(context, command.userId, command.options)
      return { type: "created", link, shortLink }
    }
    case "join":
      return { type: "joined", secured: (await join(context, command.userId, command.link, command.options)).secured }
    case "accept":
      return { type: "joined", secured: (await acceptRequest(context, command.invitationId, command.options)).secured }
    case "set-link":
      return { type: "link", shortLink: await writeShortLink(context, command.connectionId, command.linkData) }
    case "read-link":
      return { type: "link-data", ...(await readShortLink(context, command.userId, command.link)) }
  }
}

/** The command with an ID for its new connection, so that repeating it makes no second one. */
function identified(command: AgentCommand, newId: () => ConnectionId): AgentCommand {
  switch (command.type) {
    case "create":
      return { ...command, options: { ...command.options, connectionId: command.options.connectionId ?? newId() } }
    case "join":
      return { ...command, options: { ...command.options, connectionId: command.options.connectionId ?? newId() } }
    case "accept":
      return { ...command, options: { ...command.options, connectionId: command.options.connectionId ?? newId() } }
    default:
      return command
  }
}

function connectionOf(command: AgentCommand): ConnectionId | undefined {
  switch (command.type) {
    case "create":
    case "join":
    case "accept":
      return command.options.connectionId
    case "set-link":
      return command.connectionId
    case "read-link":
      return undefined
  }
}
