import type { CryptoBackend } from "@sluice/crypto/backend"
import { CryptoError } from "@sluice/crypto/errors"
import type { KeyPair, X25519Key } from "@sluice/crypto/keys"
import type { NotifierKey } from "@sluice/ntf-protocol/commands"
import { type DeviceToken, nullToken } from "@sluice/ntf-protocol/device-token"
import type { NotifierQueue } from "@sluice/ntf-protocol/notifier-queue"
import type { NtfResponse, NtfResponseOf, NtfResponseTag } from "@sluice/ntf-protocol/responses"
import type { SubscriptionStatus, TokenStatus } from "@sluice/ntf-protocol/status"
import { SmpClientError } from "@sluice/smp-client/client-error"
import type { AuthKeyPair, CallOptions, Outcome } from "@sluice/smp-client/request"
import type { AuthPrivateKey } from "@sluice/smp-protocol/authorization"
import type { EntityId } from "@sluice/smp-protocol/types"
import type { NtfChannel, NtfRequest } from "./channel.ts"

/** Keys of a registration; to be kept, because a repeated `TNEW` needs the same. */
export interface RegistrationKeys {
  readonly authKeys: AuthKeyPair
  readonly dhKeys: KeyPair<"x25519">
}

/** A registration that a server made. */
export interface RegisteredToken {
  readonly tokenId: EntityId
  readonly serverKey: X25519Key
  /** Encrypts pushes: X25519 of both keys, 32 bytes, raw. */
  readonly secret: Uint8Array
}

/** What authorizes commands about a registration and its subscriptions. */
export interface TokenAccess {
  readonly tokenId: EntityId
  readonly key: AuthPrivateKey
}

/** A queue to be notified of. */
export interface SubscriptionRequest {
  readonly queue: NotifierQueue
  /** Given away to the server. */
  readonly notifierKey: NotifierKey
}

/** All commands of devices as typed methods (notifications.md §3), on top of `send`. */
export abstract class NtfCommands implements NtfChannel {
  abstract readonly crypto: CryptoBackend
  abstract send(requests: readonly NtfRequest[], call?: CallOptions): Promise<NtfResponse>[]

  /** Fresh keys for {@link registerToken}. */
  registrationKeys(): RegistrationKeys {
    const { crypto } = this
    return { authKeys: crypto.generateKeyPair("ed25519"), dhKeys: crypto.generateKeyPair("x25519") }
  }

  /** `TNEW`. A verification push follows. With the same keys it gives the same registration again. */
  async registerToken(token: DeviceToken, keys: RegistrationKeys, call?: CallOptions): Promise<RegisteredToken> {
    const { authKeys, dhKeys } = keys
    const command = { tag: "TNEW", token, verifyKey: authKeys.publicKey, dhKey: dhKeys.publicKey } as const
    const { tokenId, dhKey } = await this.#ask({ command, key: authKeys.privateKey }, call, "IDTKN")
    const raw = dhKey.raw.slice()
    const secret = this.#secret(dhKeys, dhKey)
    return { tokenId: tokenId.slice(), serverKey: { ...dhKey, raw }, secret }
  }

  /** `TVFY` with the code of the verification push. */
  async verifyToken(token: TokenAccess, code: Uint8Array, call?: CallOptions): Promise<void> {
    await this.#ask(of(token, { tag: "TVFY", code }), call, "OK")
  }

  /** `TCHK`. */
  async checkToken(token: TokenAccess, call?: CallOptions): Promise<TokenStatus> {
    return (await this.#ask(of(token, { tag: "TCHK" }), call, "TKN")).status
  }

  /** `TRPL`: the device got another token; it has to be verified anew. */
  async replaceToken(token: TokenAccess, replacement: DeviceToken, call?: CallOptions): Promise<void> {
    await this.#ask(of(token, { tag: "TRPL", token: replacement }), call, "OK")
  }

  /** `TDEL`. */
  async deleteToken(token: TokenAccess, call?: CallOptions): Promise<void> {
    await this.#ask(of(token, { tag: "TDEL" }), call, "OK")
  }

  /** `TCRN`: a background push every so many minutes, at least 20; 0 is off. */
  async setPeriodicPushes(token: TokenAccess, minutes: number, call?: CallOptions): Promise<void> {
    await this.#ask(of(token, { tag: "TCRN", minutes }), call, "OK")
  }

  /** `SNEW`. Gives the id of the subscription. */
  async subscribe(token: TokenAccess, request: SubscriptionRequest, call?: CallOptions): Promise<EntityId> {
    return (await this.#ask(snew(token, request), call, "IDSUB")).subscriptionId.slice()
  }

  /** `SNEW` for many queues, in the order of the requests. */
  subscribeMany(
    token: TokenAccess,
    requests: readonly SubscriptionRequest[],
    call?: CallOptions,
  ): Promise<Outcome<EntityId>[]> {
    const all = requests.map((request) => snew(token, request))
    return this.#askMany(all, call, "IDSUB", ({ subscriptionId }) => subscriptionId.slice())
  }

  /** `SCHK`. */
  async checkSubscription(
    subscriptionId: EntityId,
    key: AuthPrivateKey,
    call?: CallOptions,
  ): Promise<SubscriptionStatus> {
    return (await this.#ask(schk(subscriptionId, key), call, "SUB")).status
  }

  /** `SCHK` for many subscriptions, in the order of the ids. */
  checkSubscriptions(
    ids: readonly EntityId[],
    key: AuthPrivateKey,
    call?: CallOptions,
  ): Promise<Outcome<SubscriptionStatus>[]> {
    const all = ids.map((id) => schk(id, key))
    return this.#askMany(all, call, "SUB", ({ status }) => status)
  }

  /** `SDEL`. */
  async deleteSubscription(subscriptionId: EntityId, key: AuthPrivateKey, call?: CallOptions): Promise<void> {
    await this.#ask({ command: { tag: "SDEL" }, entityId: subscriptionId, key }, call, "OK")
  }

  /** `PING`. */
  async ping(call?: CallOptions): Promise<void> {
    await this.#ask({ command: { tag: "PING" } }, call, "PONG")
  }

  /** Registers and deletes a token that is never pushed to: whether this server works for clients. */
  async tryOut(call?: CallOptions): Promise<void> {
    const keys = this.registrationKeys()
    const { tokenId } = await this.registerToken(nullToken(), keys, call)
    await this.deleteToken({ tokenId, key: keys.authKeys.privateKey }, call)
  }

  async #ask<T extends NtfResponseTag>(
    request: NtfRequest,
    call: CallOptions | undefined,
    tag: T,
  ): Promise<NtfResponseOf<T>> {
    const [answer] = this.send([request], call)
    if (answer === undefined) throw new TypeError("a channel answered fewer promises than it was given requests")
    return expected(request, await answer, tag)
  }

  #askMany<T extends NtfResponseTag, V>(
    requests: readonly NtfRequest[],
    call: CallOptions | undefined,
    tag: T,
    read: (answer: NtfResponseOf<T>) => V,
  ): Promise<Outcome<V>[]> {
    return Promise.all(
      this.send(requests, call).map(async (answer, index): Promise<Outcome<V>> => {
        try {
          return { ok: true, value: read(expected(requests[index] as NtfRequest, await answer, tag)) }
        } catch (error) {
          return { ok: false, error }
        }
      }),
    )
  }

  #secret(own: KeyPair<"x25519">, server: X25519Key): Uint8Array {
    try {
      return this.crypto.diffieHellman(own.privateKey, server)
    } catch (error) {
      if (error instanceof CryptoError) throw new SmpClientError({ code: "CRYPTO", command: "TNEW" }, { cause: error })
      throw error
    }
  }
}

function of({ tokenId, key }: TokenAccess, command: NtfRequest["command"]): NtfRequest {
  return { command, entityId: tokenId, key }
}

function snew({ tokenId, key }: TokenAccess, { queue, notifierKey }: SubscriptionRequest): NtfRequest {
  return { command: { tag: "SNEW", tokenId, queue, notifierKey }, key }
}

function schk(entityId: EntityId, key: AuthPrivateKey): NtfRequest {
  return { command: { tag: "SCHK" }, entityId, key }
}

function expected<T extends NtfResponseTag>(request: NtfRequest, answer: NtfResponse, tag: T): NtfResponseOf<T> {
  const command = request.command.tag
  // the cast says what the test has just found
  if (answer.tag === tag) return answer as NtfResponseOf<T>
  if (answer.tag === "ERR") throw new SmpClientError({ code: "ERR", command, error: answer.error, from: "server" })
  throw new SmpClientError({ code: "UNEXPECTED", command, answer: answer.tag })
}
