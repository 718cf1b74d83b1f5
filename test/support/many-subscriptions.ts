import { encodePublicKey } from "@sluice/crypto/keys"
import { nativeCrypto as c } from "@sluice/crypto/native"
import { utf8 } from "@sluice/encoding/bytes"
import type { ImportedQueue } from "@sluice/queue-store/queue-store"
import { TestNotifications, testToken } from "./notifications.ts"
import { TestRelay } from "./relay.ts"

/** What re-subscribing took. */
export interface Resubscription {
  readonly subscriptions: number
  /** From the start of the server until everything was subscribed. */
  readonly seconds: number
  /** Highest resident memory meanwhile, of relay and server together, beyond that before. */
  readonly memoryMiB: number
  /** Subscriptions made one by one; the others are the service's. */
  readonly oneByOne: number
}

/** What a push took from `SEND` until the push service had it, in milliseconds. */
export interface PushTimes {
  readonly count: number
  readonly median: number
  readonly p99: number
  readonly longest: number
}

const TOGETHER = 500
const keys = c.generateKeyPair("ed25519")

/** A relay and a notification server in this process with many subscriptions of many devices, written into the stores. */
export class ManySubscriptions implements AsyncDisposable {
  readonly relay: TestRelay
  readonly ntf: TestNotifications
  readonly #count: number

  private constructor(relay: TestRelay, ntf: TestNotifications, count: number) {
    this.relay = relay
    this.ntf = ntf
    this.#count = count
  }

  static async make(count: number): Promise<ManySubscriptions> {
    const relay = await TestRelay.start({ settings: { "relay.notification_interval": "100ms" } })
    const ntf = await TestNotifications.start()
    const made = new ManySubscriptions(relay, ntf, count)
    for (let at = 0; at < count; at += TOGETHER) await made.#add(Math.min(TOGETHER, count - at), at)
    await ntf.stop()
    return made
  }

  /** Starts the server and waits until all is subscribed again; then stops it. */
  async resubscribe(service: boolean): Promise<Resubscription> {
    const { rss } = process.memoryUsage()
    let highest = rss
    const watch = setInterval(() => {
      highest = Math.max(highest, process.memoryUsage().rss)
    }, 20)
    const began = performance.now()
    await this.ntf.start({ "notifications.service": service })
    while (this.ntf.server.relays.states.up === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    const seconds = (performance.now() - began) / 1000
    clearInterval(watch)
    const { active } = this.ntf.server.relays.subscriptions
    await this.ntf.stop()
    return { subscriptions: this.#count, seconds, memoryMiB: (highest - rss) / 2 ** 20, oneByOne: active }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.ntf[Symbol.asyncDispose]()
    await this.relay[Symbol.asyncDispose]()
  }

  async #add(count: number, from: number): Promise<void> {
    const { store } = this.ntf
    const tokenId = c.randomBytes(24)
    const code = c.randomBytes(32)
    await store.createToken({
      ...{ tokenId, device: testToken(`device ${from}`), status: { type: "REGISTERED" }, code },
      ...{ verifyKey: keys.publicKey, dhKey: c.generateKeyPair("x25519").privateKey, secret: c.randomBytes(32) },
      ...{ cronMinutes: 0, cronSentAt: 0, seenDay: 0 },
    })
    await store.activateToken(tokenId, code)
    const ids = Array.from({ length: count }, () => c.randomBytes(24))
    await this.relay.store.importQueues(ids.map(queueWith))
    const server = this.relay.address
    const limits = { subscriptions: TOGETHER, relays: 1 }
    await Promise.all(
      ids.map((notifierId) =>
        store.createSubscription(
          { subscriptionId: c.randomBytes(24), tokenId, server, notifierId, notifierKey: keys.privateKey },
          limits,
        ),
      ),
    )
  }
}

/** Times in order of their length, summed up. */
export function pushTimes(times: readonly number[]): PushTimes {
  const sorted = times.toSorted((a, b) => a - b)
  const at = (part: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN
  return { count: sorted.length, median: at(0.5), p99: at(0.99), longest: at(1) }
}

function queueWith(notifierId: Uint8Array): ImportedQueue {
  const key = encodePublicKey(keys.publicKey)
  return {
    queue: {
      ...{ recipientId: c.randomBytes(24), senderId: c.randomBytes(24), recipientKeys: [key] },
      ...{ rcvDhSecret: c.randomBytes(32), queueMode: "messaging", status: { tag: "active" }, updatedAt: 0 },
      notifier: { notifierId, key, dhSecret: c.sha256(utf8("secret")) },
    },
  }
}
