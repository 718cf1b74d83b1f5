import type { AuthKey } from "@sluice/crypto/keys"
import { encodeNtfReply, type ReceivedNtfCommand } from "@sluice/ntf-protocol/block"
import type { NtfResponse } from "@sluice/ntf-protocol/responses"
import { RateLimiter } from "@sluice/ops/rate-limiter"
import type { Reply } from "@sluice/server-kit/protocol"
import type { SessionHandler } from "@sluice/server-kit/session-handler"
import { type Verifier, verifyAuthorization, verifyDummy } from "@sluice/smp-protocol/authorization"
import { SessionBoxKeys } from "@sluice/smp-protocol/box-key-cache"
import { type EntityId, NO_ENTITY } from "@sluice/smp-protocol/types"
import {
  checkSubscription,
  checkToken,
  createSubscription,
  deleteSubscription,
  deleteToken,
  registerToken,
  replaceToken,
  setPeriod,
  verifyToken,
} from "./commands.ts"
import { type NtfContext, today } from "./context.ts"
import type { NtfSession } from "./ntf-server-protocol.ts"
import type { SubscriptionRecord, TokenRecord } from "./store/ntf-store.ts"
import { StoreError } from "./store/store-error.ts"

/** Keys of a session whose Diffie-Hellman results are remembered. */
const BOX_KEYS = 64

/** Seconds of the time that registrations are counted in. */
const MINUTE = 60

const AUTH: NtfResponse = { tag: "ERR", error: { type: "AUTH" } }
const QUOTA: NtfResponse = { tag: "ERR", error: { type: "QUOTA" } }
const PONG: NtfResponse = { tag: "PONG" }
const STORE_FAILED: NtfResponse = { tag: "ERR", error: { type: "STORE", text: "unavailable" } }

/** A device's session: verifies its commands and executes them (notifications.md §3). */
export class NtfClientSession implements SessionHandler<ReceivedNtfCommand> {
  readonly #ctx: NtfContext
  readonly #session: NtfSession
  readonly #verifier: Verifier
  readonly #registrations: RateLimiter

  constructor(ctx: NtfContext, session: NtfSession) {
    this.#ctx = ctx
    this.#session = session
    const sessionKey = session.params.sessionKey.privateKey
    this.#verifier = { crypto: ctx.crypto, sessionKey, boxKeys: new SessionBoxKeys(BOX_KEYS) }
    const { registrationsPerMinute: burst, clock } = ctx
    this.#registrations = new RateLimiter({ perSecond: burst / MINUTE, burst, maxKeys: 1 }, clock)
  }

  async handle(commands: readonly ReceivedNtfCommand[]): Promise<readonly Reply[]> {
    return Promise.all(commands.map((command) => this.#answer(command)))
  }

  async #answer(received: ReceivedNtfCommand): Promise<Reply> {
    const response = await this.#execute(received)
    const { tag } = response
    const entityless = tag === "IDTKN" || tag === "IDSUB" || tag === "PONG"
    const { params } = this.#session
    return encodeNtfReply(params, received.corrId, entityless ? NO_ENTITY : received.entityId, response)
  }

  async #execute(received: ReceivedNtfCommand): Promise<NtfResponse> {
    try {
      return await this.#dispatch(received)
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      this.#ctx.onStoreFailure(error)
      this.#ctx.log.error("the store failed", { error })
      return STORE_FAILED
    }
  }

  async #dispatch(received: ReceivedNtfCommand): Promise<NtfResponse> {
    const ctx = this.#ctx
    const { command, entityId } = received
    switch (command.tag) {
      case "PING":
        return PONG
      case "TNEW":
        return this.#verified(received, command.verifyKey) ? this.#limited(() => registerToken(ctx, command)) : AUTH
      case "SNEW":
        return this.#withToken(received, command.tokenId, (token) => createSubscription(ctx, token, command))
      case "TVFY":
        return this.#withToken(received, entityId, (token) => verifyToken(ctx, token, command.code))
      case "TCHK":
        return this.#withToken(received, entityId, (token) => checkToken(token))
      case "TRPL":
        return this.#withToken(received, entityId, (token) => this.#limited(() => replaceToken(ctx, token, command)))
      case "TDEL":
        return this.#withToken(received, entityId, (token) => deleteToken(ctx, token))
      case "TCRN":
        return this.#withToken(received, entityId, (token) => setPeriod(ctx, token, command.minutes))
      case "SCHK":
        return this.#withSubscription(received, (token, found) => checkSubscription(ctx, token, found))
      case "SDEL":
        return this.#withSubscription(received, (token, found) => deleteSubscription(ctx, token, found))
    }
  }

  /**
   * Anybody may register, and each registration takes space and has something sent to where the client says: a host of its
   * choice with Web Push. So does each new device token. A connection may do that so often; a device needs it once.
   */
  #limited(register: () => Promise<NtfResponse>): Promise<NtfResponse> {
    if (this.#registrations.take("")) return register()
    this.#ctx.statistics.registrationsRefused++
    return Promise.resolve(QUOTA)
  }

  async #withToken(
    received: ReceivedNtfCommand,
    tokenId: EntityId,
    run: (token: TokenRecord) => NtfResponse | Promise<NtfResponse>,
  ): Promise<NtfResponse> {
    const token = await this.#ctx.store.token(tokenId)
    if (!this.#verified(received, token?.verifyKey) || token === undefined) return AUTH
    await this.#seen(token)
    return run(token)
  }

  async #withSubscription(
    received: ReceivedNtfCommand,
    run: (token: TokenRecord, subscription: SubscriptionRecord) => Promise<NtfResponse>,
  ): Promise<NtfResponse> {
    const found = await this.#ctx.store.subscription(received.entityId)
    if (!this.#verified(received, found?.token.verifyKey) || found === undefined) return AUTH
    await this.#seen(found.token)
    return run(found.token, found.subscription)
  }

  /** Spends the same time where there is no key. */
  #verified({ authorization, signed, corrId }: ReceivedNtfCommand, key: AuthKey | undefined): boolean {
    if (key !== undefined) return verifyAuthorization(this.#verifier, [key], authorization, signed, corrId)
    verifyDummy(this.#verifier, authorization, signed, corrId)
    return false
  }

  async #seen({ tokenId, seenDay }: TokenRecord): Promise<void> {
    const day = today(this.#ctx.clock)
    if (seenDay !== day) await this.#ctx.store.touchToken(tokenId, day)
  }
}
