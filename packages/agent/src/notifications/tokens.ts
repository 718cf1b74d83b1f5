import { equalBytes } from "@sluice/encoding/bytes"
import type { Server } from "@sluice/encoding/server-address"
import type { TokenAccess } from "@sluice/ntf-client/ntf-commands"
import type { DeviceToken } from "@sluice/ntf-protocol/device-token"
import { openPush, type SealedPush } from "@sluice/ntf-protocol/push-content"
import type { TokenStatus } from "@sluice/ntf-protocol/status"
import type { EntityId } from "@sluice/smp-protocol/types"
import type { AgentBase } from "../core/base.ts"
import { Locks } from "../core/locks.ts"
import { AgentError, isTemporary, peerError, prohibited } from "../errors.ts"
import { asAgentError, withoutPassword } from "../network/network-error.ts"
import { isUnknown } from "./ntf-error.ts"
import type { NtfSessions } from "./ntf-sessions.ts"
import type { NotificationMode, TokenDeletionRecord, TokenRecord } from "./records.ts"

/** Minutes between periodic pushes. */
const PERIOD = 20

const ACTIVE: TokenStatus = { type: "ACTIVE" }
const REGISTERED: TokenStatus = { type: "REGISTERED" }

/** A registration that its server has answered. */
interface Registered extends TokenRecord {
  readonly tokenId: EntityId
  readonly secret: Uint8Array
}

/** What follows from changes of the registration. */
export interface TokenChanges {
  /** Notifications of all connections are wanted. */
  wanted(): void
  /** They are not, any more. */
  unwanted(): void
  /** A registration is gone here, and is to be deleted at its server. */
  deleted(deletion: TokenDeletionRecord): Promise<void>
}

/** What {@link Tokens} need. */
export interface TokenParts extends Pick<AgentBase, "store" | "crypto" | "random"> {
  readonly sessions: NtfSessions
  /** Those of the settings, for a new registration. */
  readonly servers: () => readonly Server[]
  readonly changes: TokenChanges
}

/**
 * The registration of this device with a notification server (notifications-client.md §3). What is to be done is stored
 * before it is done, and its result before anybody is told; so each call goes on where the one before ended.
 */
export class Tokens {
  readonly #parts: TokenParts
  readonly #locks = new Locks()
  #token: TokenRecord | undefined

  constructor(parts: TokenParts) {
    this.#parts = parts
  }

  get current(): TokenRecord | undefined {
    return this.#token
  }

  /** The registration, if messages are to be notified now. */
  get instant(): Registered | undefined {
    const token = this.#token
    return isRegistered(token) && token.status.type === "ACTIVE" && token.mode === "instant" ? token : undefined
  }

  async load(): Promise<void> {
    this.#token = await this.#parts.store.get("notificationTokens", [])
  }

  /** §3.1. */
  register(device: DeviceToken, mode: NotificationMode): Promise<TokenStatus> {
    return this.#alone(async () => {
      const token = this.#token
      if (token === undefined) return await this.#create(device, mode)
      if (!isRegistered(token)) return await this.#announce({ ...token, device, mode })
      if (!sameDevice(token.device, device)) return await this.#replace(token, device, mode)
      const status = await this.#goOn(token, mode)
      await this.#set({ mode })
      return status
    })
  }

  /** §3.2. */
  verify(device: DeviceToken, push: SealedPush): Promise<TokenStatus> {
    return this.#alone(async () => {
      const token = this.#of(device)
      const code = openPush({ crypto: this.#parts.crypto, secret: token.secret }, push)
      if (code === undefined) throw peerError({ type: "A_CRYPTO", error: { type: "DECRYPT_CB" } })
      await this.#set({ status: { type: "CONFIRMED" }, action: { type: "verify", code } })
      await this.#verify(token, code)
      this.#setPeriod(token)
      if (token.mode === "instant") this.#parts.changes.wanted()
      return ACTIVE
    })
  }

  /** §3.3. */
  check(device: DeviceToken): Promise<TokenStatus> {
    return this.#alone(async () => {
      const token = this.#of(device)
      const status = await this.#ask(token)
      const over = status.type === "INVALID" || status.type === "EXPIRED"
      await this.#set({ status, ...(over && { action: undefined }) })
      return status
    })
  }

  /** §3.4. */
  delete(): Promise<void> {
    return this.#alone(async () => {
      const token = this.#token
      if (token === undefined) throw prohibited("notifications: no token")
      await this.#remove()
      if (isRegistered(token)) {
        const { server, tokenId, authKeys } = token
        await this.#parts.changes.deleted({ server, tokenId, key: authKeys.privateKey })
      }
      this.#parts.changes.unwanted()
    })
  }

  /** Resolves when no call is under way. */
  idle(): Promise<void> {
    return this.#locks.idle()
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    return this.#locks.run("token", work)
  }

  /** The registration of this very device token. */
  #of(device: DeviceToken): Registered {
    const token = this.#token
    if (!isRegistered(token) || !sameDevice(token.device, device)) throw prohibited("notifications: no such token")
    return token
  }

  async #create(device: DeviceToken, mode: NotificationMode): Promise<TokenStatus> {
    const { crypto, random, servers } = this.#parts
    const configured = servers()
    const server = configured[Math.floor(random() * configured.length)]
    if (server === undefined) throw prohibited("notifications: no server")
    return await this.#announce({
      ...{ device, mode, server: withoutPassword(server) },
      authKeys: crypto.generateKeyPair("ed25519"),
      dhKeys: crypto.generateKeyPair("x25519"),
      status: { type: "NEW" },
      action: { type: "register" },
    })
  }

  /** `TNEW`: with the same keys it gives the same registration, and another push with the same code. */
  async #announce(token: TokenRecord): Promise<TokenStatus> {
    await this.#store(token)
    const { server, device, authKeys, dhKeys } = token
    const { tokenId, secret } = await this.#parts.sessions.interactive(server, (client, call) =>
      client.registerToken(device, { authKeys, dhKeys }, call),
    )
    await this.#set({ tokenId, secret, status: REGISTERED, action: undefined })
    return REGISTERED
  }

  /** The next step of a registration that has not got another device token. */
  async #goOn(token: Registered, mode: NotificationMode): Promise<TokenStatus> {
    switch (token.action?.type) {
      case "verify":
        await this.#verify(token, token.action.code)
        return ACTIVE
      case "check":
        return await this.#checkAgain(token, mode)
      case "register":
      case undefined:
        return await this.#announce(token)
    }
  }

  async #checkAgain(token: Registered, mode: NotificationMode): Promise<TokenStatus> {
    const status = await this.#ask(token).catch((error: unknown) => this.#lost(token, error))
    if (status.type !== "ACTIVE") {
      await this.#set({ status, action: undefined })
      return status
    }
    await this.#set({ status, mode })
    if (mode === "instant") this.#parts.changes.wanted()
    else if (token.mode === "instant") this.#parts.changes.unwanted()
    this.#setPeriod(token)
    return status
  }

  async #replace(token: Registered, device: DeviceToken, mode: NotificationMode): Promise<TokenStatus> {
    try {
      await this.#parts.sessions.interactive(token.server, (client, call) =>
        client.replaceToken(accessOf(token), device, call),
      )
    } catch (error) {
      if (isTemporary(asAgentError(error).problem)) throw error
      await this.#remove()
      return await this.#create(device, mode)
    }
    await this.#set({ device, mode, status: REGISTERED, action: undefined })
    return REGISTERED
  }

  async #verify(token: Registered, code: Uint8Array): Promise<void> {
    await this.#parts.sessions
      .interactive(token.server, (client, call) => client.verifyToken(accessOf(token), code, call))
      .catch((error: unknown) => this.#lost(token, error))
    await this.#set({ status: ACTIVE, action: { type: "check" } })
  }

  /** The server does not know the registration any more: a new one is made, and the failure is told. */
  async #lost({ device, mode }: Registered, error: unknown): Promise<never> {
    if (isUnknown(error)) {
      await this.#remove()
      await this.#create(device, mode)
    }
    throw error
  }

  #ask(token: Registered): Promise<TokenStatus> {
    return this.#parts.sessions.interactive(token.server, (client, call) => client.checkToken(accessOf(token), call))
  }

  /** In the background: without it, instant pushes come all the same, and the next call asks for it again. */
  #setPeriod(token: Registered): void {
    this.#parts.sessions
      .background(token.server, (client) => client.setPeriodicPushes(accessOf(token), PERIOD))
      .catch(() => undefined)
  }

  async #set(patch: Partial<TokenRecord>): Promise<void> {
    if (this.#token !== undefined) await this.#store({ ...this.#token, ...patch })
  }

  async #store(token: TokenRecord): Promise<void> {
    await this.#parts.store.commit([{ table: "notificationTokens", put: token }])
    this.#token = token
  }

  async #remove(): Promise<void> {
    await this.#parts.store.commit([{ table: "notificationTokens", remove: [] }])
    this.#token = undefined
  }
}

/** What authorizes commands of a registration. */
export function accessOf({ tokenId, authKeys }: Registered): TokenAccess {
  return { tokenId, key: authKeys.privateKey }
}

function isRegistered(token: TokenRecord | undefined): token is Registered {
  return token?.tokenId !== undefined && token.secret !== undefined
}

function sameDevice(a: DeviceToken, b: DeviceToken): boolean {
  return a.provider === b.provider && equalBytes(a.token, b.token)
}

/** For a registration that must be active, e.g. to read its pushes. Throws `AgentError` PROHIBITED. */
export function activeToken(token: TokenRecord | undefined): Registered {
  if (!isRegistered(token) || token.status.type !== "ACTIVE") throw prohibited("notifications: no active token")
  return token
}

/** The failure of work that an active registration in instant mode is needed for. */
export function notInstant(): AgentError {
  return new AgentError({ code: "INTERNAL", text: "notifications are not on" })
}
