import type { CryptoBackend } from "@sluice/crypto/backend"
import { nativeCrypto } from "@sluice/crypto/native"
import type { Server } from "@sluice/encoding/server-address"
import type { NtfResponse } from "@sluice/ntf-protocol/responses"
import { SmpClientError } from "@sluice/smp-client/client-error"
import type { CallOptions } from "@sluice/smp-client/request"
import type { NtfRequest } from "./channel.ts"
import { connectNtf, type NtfConnectOptions } from "./connect.ts"
import type { NtfConnection } from "./connection.ts"
import { NtfCommands } from "./ntf-commands.ts"

/**
 * A client that connects to one notification server when a command needs it, and again when the connection was lost. There
 * is nothing to keep up between commands, so it does not come back by itself, and who asks decides how often to ask.
 */
export class NtfClient extends NtfCommands implements AsyncDisposable {
  readonly crypto: CryptoBackend
  readonly server: Server
  readonly #options: Omit<NtfConnectOptions, "signal">
  readonly #abort = new AbortController()
  #connection: Promise<NtfConnection> | undefined

  constructor(server: Server, options: Omit<NtfConnectOptions, "signal"> = {}) {
    super()
    this.server = server
    this.crypto = options.crypto ?? nativeCrypto
    this.#options = options
  }

  override send(requests: readonly NtfRequest[], call: CallOptions = {}): Promise<NtfResponse>[] {
    const connected = this.#connect()
    const answers = connected.then((connection) => {
      const sent = connection.send(requests, call)
      // Whoever gave up before they were sent does not look at them any more.
      for (const answer of sent) answer.catch(() => undefined)
      return sent
    })
    return requests.map(async (_, index) => {
      const all = await abortable(answers, call.signal)
      return all[index] as Promise<NtfResponse>
    })
  }

  /** Closes for good. Commands without an answer fail as CLOSED. */
  async close(): Promise<void> {
    if (this.#abort.signal.aborted) return
    this.#abort.abort(new SmpClientError({ code: "CLOSED" }))
    try {
      await (await this.#connection)?.close()
    } catch {
      // There was no connection, or there will be none.
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #connect(): Promise<NtfConnection> {
    const { signal } = this.#abort
    if (signal.aborted) return Promise.reject(signal.reason)
    if (this.#connection !== undefined) return this.#connection
    const connecting = connectNtf(this.server, { ...this.#options, signal })
    this.#connection = connecting
    const forget = (): void => {
      if (this.#connection === connecting) this.#connection = undefined
    }
    connecting.then((connection) => connection.closed.then(forget), forget)
    return connecting
  }
}

function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    const abort = (): void => reject(signal.reason)
    signal.addEventListener("abort", abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort))
  })
}
