import type { CryptoBackend } from "@sluice/crypto/backend"
import { idKey } from "@sluice/encoding/bytes"
import { type PushTag, pushSpec } from "@sluice/ntf-protocol/device-token"
import { sealMessages, sealVerification } from "@sluice/ntf-protocol/push-content"
import type { Clock, Timer } from "@sluice/ops/clock"
import type { Log } from "@sluice/ops/log"
import type { PushKind, PushNotification, PushOutcome, PushProvider } from "@sluice/push/provider"
import { type PushSink, seconds } from "../context.ts"
import type { NtfStatistics } from "../statistics.ts"
import type { NtfStore, PendingPush, PushReference, TokenRecord } from "../store/ntf-store.ts"
import type { SharedPushes } from "../store/redis/shared-pushes.ts"
import { HostLimits, type Place } from "./host-limits.ts"
import { laneOf, pushTarget } from "./push-target.ts"
import { type Waiting, WaitingPushes } from "./waiting-pushes.ts"

/** Push services by the tags of their tokens. `AN` needs none. */
export type PushProviders = ReadonlyMap<PushTag, PushProvider>

export interface PusherOptions {
  readonly providers: PushProviders
  /** Whether tokens of test tags are taken; only where their providers are given, too. */
  readonly testTokens: boolean
  /** Attempts under way at a time for each push service. */
  readonly concurrency: number
  /** The same over all hosts of Web Push that have not answered lately, see {@link HostLimits}. */
  readonly strangers: number
  /** Pushes that may wait in memory; further ones are found in the store later. */
  readonly maxWaiting: number
}

export interface PusherParts {
  readonly store: NtfStore
  readonly crypto: CryptoBackend
  readonly clock: Clock
  readonly log: Log
  readonly statistics: NtfStatistics
  /** Where other nodes send as well: second attempts, and what nobody sends, are any node's. */
  readonly shared?: SharedPushes | undefined
}

const NONCE_LENGTH = 24
const PAGE = 500
/** Pushes of other nodes that are taken over at a time. */
const MOST_LEFT = 2000
/** The first waits for a store that fails, ms. */
const STORE_RETRY = 1000
/** When the store is looked at again for pushes to hosts that had no room for more, ms. */
const STRANGERS_RETRY = 60_000

/**
 * Sends what is stored. There is one waiting entry for each token and kind at most: a push is made of what the store has
 * when its turn comes, so several notifications that came meanwhile leave together, and nothing is sent twice by this
 * process. What was sent is forgotten only then; what a dead process left is found again by {@link Pusher.recover}.
 */
export class Pusher implements PushSink {
  readonly #options: PusherOptions
  readonly #parts: PusherParts
  readonly #limits: HostLimits
  readonly #waiting: WaitingPushes
  #running = 0
  readonly #timers = new Set<Timer>()
  /** Second attempts to come, by token and kind. */
  readonly #retries = new Map<string, Timer>()
  readonly #stop = new AbortController()
  /** Something did not find room here and has to be looked for in the store. */
  #overflow = false
  #recovering: Promise<void> | undefined
  /** Runs until the store is looked at again after a failure. */
  #storeRetry: Timer | undefined
  /** Runs until the store is looked at again for what strangers had no room for. */
  #strangersRetry: Timer | undefined
  #idle: (() => void) | undefined

  constructor(options: PusherOptions, parts: PusherParts) {
    this.#options = options
    this.#parts = parts
    this.#limits = new HostLimits(parts.clock, options)
    this.#waiting = new WaitingPushes(this.#limits, options.maxWaiting)
  }

  /** Pushes that wait for their turn in memory. */
  get waiting(): number {
    return this.#waiting.size
  }

  /** Attempts that are under way. */
  get running(): number {
    return this.#running
  }

  accepts(tag: PushTag): boolean {
    if (tag === "AN") return true
    return this.#options.providers.has(tag) && (this.#options.testTokens || !pushSpec(tag).test)
  }

  wake({ tokenId, kind }: PushReference): void {
    void this.#enqueue({ tokenId, kind, second: false })
  }

  /** A periodic push is due. */
  check(token: TokenRecord): void {
    this.#add(laneOf(token.device), { tokenId: token.tokenId, kind: "check-messages", second: false })
  }

  /** Sends what an earlier process, or this one for want of room, left in the store. */
  recover(): Promise<void> {
    this.#recovering ??= this.#recover().finally(() => {
      this.#recovering = undefined
      // Those under way may have ended meanwhile, and then nobody else would look again.
      this.#catchUp()
    })
    return this.#recovering
  }

  /** Starts no more attempts and waits for those under way until `deadline` aborts; what remains is in the store. */
  async stop(deadline: AbortSignal): Promise<void> {
    for (const timer of [...this.#timers, ...this.#retries.values()]) timer.cancel()
    this.#waiting.clear()
    this.#overflow = false
    const cut = (): void => this.#stop.abort()
    if (deadline.aborted) cut()
    else deadline.addEventListener("abort", cut, { once: true })
    this.#stopping = true
    if (this.running > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve
      })
    }
    this.#stop.abort()
  }

  #stopping = false

  async #recover(): Promise<void> {
    const { store, shared } = this.#parts
    if (shared !== undefined) {
      for (const push of await shared.left(Math.min(MOST_LEFT, this.#options.maxWaiting))) await this.#enqueue(push)
      return
    }
    let after: Uint8Array | undefined
    do {
      const page = await store.pendingPushes({ after, limit: PAGE })
      for (const { tokenId, kind } of page.items) {
        if (this.#stopping) return
        if (this.waiting >= this.#options.maxWaiting) {
          this.#overflow = true
          return
        }
        await this.#enqueue({ tokenId, kind, second: false })
      }
      after = page.next
    } while (after !== undefined)
  }

  async #enqueue(push: Waiting): Promise<void> {
    if (this.#stopping) return
    try {
      const token = await this.#parts.store.token(push.tokenId)
      if (token !== undefined) this.#add(laneOf(token.device), push)
    } catch (error) {
      this.#storeFailed(error)
    }
  }

  #add(name: string, push: Waiting): void {
    if (this.#stopping) return
    switch (this.#waiting.add(name, idKey(push.tokenId) + push.kind, push)) {
      case "added":
        this.#pump(name)
        break
      case "merged":
        this.#parts.statistics.superseded++
        break
      case "full":
        this.#overflow = true
        break
      case "left":
        this.#leaveInStore()
        break
      case "running":
    }
  }

  /** Some of what is stored has no place here: it is looked for a while later. */
  #leaveInStore(): void {
    if (this.#strangersRetry !== undefined || this.#stopping) return
    this.#strangersRetry = this.#afterwards(STRANGERS_RETRY, () => {
      this.#strangersRetry = undefined
    })
  }

  /** Looks at the store after a time. */
  #afterwards(ms: number, begin: () => void): Timer {
    const timer = this.#parts.clock.setTimeout(
      () => {
        this.#timers.delete(timer)
        begin()
        this.recover().catch((error: unknown) => this.#storeFailed(error))
      },
      ms,
      { background: true },
    )
    this.#timers.add(timer)
    return timer
  }

  #pump(name: string): void {
    const lane = this.#waiting.lane(name)
    if (lane === undefined) return
    for (const [key, push] of lane.waiting) {
      const place = this.#limits.begin(name, lane.running.size)
      if (place === undefined) return
      this.#waiting.begin(lane, key)
      this.#running++
      void this.#send(name, push, place).then((again) => {
        this.#running--
        const anew = this.#waiting.end(lane, key) || again
        for (const other of this.#limits.end(place)) this.#pump(other)
        if (anew) this.#add(name, { ...push, second: false })
        // Also then: it may have found no room, and somebody has to take its place.
        this.#pump(name)
        this.#waiting.tidy(name)
        this.#settled()
      })
    }
  }

  #settled(): void {
    if (this.running === 0) this.#idle?.()
    this.#catchUp()
  }

  /** Looks in the store for what found no room, once there is some again. */
  #catchUp(): void {
    const { maxWaiting } = this.#options
    if (!this.#overflow || this.#stopping || this.#recovering !== undefined || this.waiting > maxWaiting / 2) return
    this.#overflow = false
    this.recover().catch((error: unknown) => this.#storeFailed(error))
  }

  /** Sends one push. Gives whether there is more of it to send. Never rejects. */
  async #send(lane: string, push: Waiting, place: Place): Promise<boolean> {
    try {
      return await (push.kind === "check-messages" ? this.#sendCheck(push, place) : this.#sendStored(lane, push, place))
    } catch (error) {
      this.#storeFailed(error)
      return false
    }
  }

  async #sendStored(lane: string, push: Waiting, place: Place): Promise<boolean> {
    const { store } = this.#parts
    const kind = push.kind === "verification" ? "verification" : "message"
    const pending = await store.pendingPush({ tokenId: push.tokenId, kind })
    if (pending === undefined) return false
    const { token, sequence } = pending
    if (laneOf(token.device) !== lane) {
      // The device has a token of another push service by now.
      this.#add(laneOf(token.device), push)
      return false
    }
    const wanted = kind === "verification" || (token.status.type === "ACTIVE" && pending.entries.length > 0)
    if (wanted && (await this.#deliver(token, push, place, this.#notification(pending))) === "later") return false
    return store.finishPush({ tokenId: push.tokenId, kind }, sequence)
  }

  async #sendCheck(push: Waiting, place: Place): Promise<boolean> {
    const { store, shared, clock } = this.#parts
    if ((await shared?.claimCheck(push.tokenId)) === false) return false
    const token = await store.token(push.tokenId)
    if (token?.status.type !== "ACTIVE" || token.cronMinutes === 0) return false
    // It may have been sent since it was found.
    if (token.cronSentAt + token.cronMinutes * 60 >= seconds(clock)) return false
    await this.#deliver(token, push, place, { kind: "check-messages" })
    return false
  }

  #notification({ kind, token, entries }: PendingPush): PushNotification {
    const { crypto } = this.#parts
    const { secret, code } = token
    const nonce = (): Uint8Array => crypto.randomBytes(NONCE_LENGTH)
    return kind === "verification"
      ? { kind, seal: (length) => sealVerification({ crypto, secret }, nonce(), code, length) }
      : { kind, seal: (length) => sealMessages({ crypto, secret }, nonce(), entries, length) }
  }

  /** Makes one attempt and notes what it says about the token. */
  async #deliver(
    token: TokenRecord,
    push: Waiting,
    place: Place,
    notification: PushNotification,
  ): Promise<"done" | "later"> {
    const { store, statistics, clock } = this.#parts
    const { tokenId, device } = token
    const outcome = await this.#attempt(token, place, notification)
    this.#limits.note(laneOf(device), outcome)
    if (this.#waiting.judge(laneOf(device))) this.#leaveInStore()
    const { kind } = notification
    switch (outcome.outcome) {
      case "delivered":
        if (device.provider !== "AN") statistics.delivered[kind]++
        if (kind === "verification") await store.confirmToken(tokenId, device)
        if (kind === "check-messages") await store.cronSent(tokenId, seconds(clock))
        return "done"
      case "token-invalid":
        statistics.failed[kind]++
        if (kind === "verification") statistics.verificationInvalidToken++
        await store.invalidateToken(tokenId, device, outcome.reason)
        return "done"
      case "retry":
        if (this.#stopping) return "later"
        if (push.second) return this.#failed(kind, outcome.cause)
        await this.#retry(laneOf(device), push, outcome.afterMs)
        return "later"
      case "failed":
        // A push that was cut off because this process stops is another's to send.
        return this.#stopping ? "later" : this.#failed(kind, outcome.cause)
    }
  }

  async #attempt({ device }: TokenRecord, { timeoutMs }: Place, notification: PushNotification): Promise<PushOutcome> {
    if (device.provider === "AN") return { outcome: "delivered" }
    const provider = this.#options.providers.get(device.provider)
    if (provider === undefined || !this.accepts(device.provider)) return { outcome: "failed", cause: "unavailable" }
    const target = pushTarget(device)
    const { signal } = this.#stop
    if (timeoutMs === undefined) return provider.deliver(target, notification, signal)
    const early = new AbortController()
    const timer = this.#parts.clock.setTimeout(() => early.abort(), timeoutMs, { background: true })
    const outcome = await provider.deliver(target, notification, AbortSignal.any([signal, early.signal]))
    timer.cancel()
    const cut = early.signal.aborted && outcome.outcome === "failed" && outcome.cause === "unavailable"
    return cut ? { outcome: "retry", cause: "timeout", afterMs: 0 } : outcome
  }

  #failed(kind: PushKind, cause: string): "done" {
    this.#parts.statistics.failed[kind]++
    this.#parts.log.warn("a push could not be delivered", { kind, reason: cause })
    return "done"
  }

  async #retry(lane: string, push: Waiting, afterMs: number): Promise<void> {
    this.#parts.statistics.retried++
    const { shared } = this.#parts
    if (shared !== undefined && push.kind !== "check-messages") {
      await shared.postpone({ tokenId: push.tokenId, kind: push.kind }, afterMs)
      return
    }
    const key = idKey(push.tokenId) + push.kind
    // One for each, however often new messages had more of them tried meanwhile.
    this.#retries.get(key)?.cancel()
    const again = (): void => {
      this.#retries.delete(key)
      this.#add(lane, { ...push, second: true })
    }
    this.#retries.set(key, this.#parts.clock.setTimeout(again, afterMs, { background: true }))
  }

  /** One look at the store makes up for all that failed meanwhile, and one line in the log tells of it. */
  #storeFailed(error: unknown): void {
    if (this.#storeRetry !== undefined) return
    this.#parts.log.error("what is to be pushed could not be read or written", { error })
    if (this.#stopping) return
    this.#storeRetry = this.#afterwards(STORE_RETRY, () => {
      this.#storeRetry = undefined
    })
  }
}
