import { nativeCrypto as c } from "@sluice/crypto/native"
import { toHex } from "@sluice/encoding/bytes"
import type { Server } from "@sluice/encoding/server-address"
import type { NtfConnection } from "@sluice/ntf-client/connection"
import type { SmpClient } from "@sluice/smp-client/client"
import type { CreatedNotifier, CreatedQueue } from "@sluice/smp-client/queue-types"
import type { AuthPrivateKey } from "@sluice/smp-protocol/authorization"
import { decryptNotificationMeta } from "@sluice/smp-protocol/notification-meta"
import { eventually, TestDevice } from "./notifications.ts"
import type { ArrivedPush, PushService } from "./push-service.ts"

/** A subscription as its device asks for it. */
export interface SubscriptionAccess {
  readonly id: Uint8Array
  readonly key: AuthPrivateKey
}

/** Devices with queues, and which messages in them were told of by a push: what tests that kill servers count with. */
export class PushedMessages {
  readonly queues: CreatedQueue[] = []
  readonly subscriptions: SubscriptionAccess[] = []
  /** Message pushes that arrived. */
  pushes = 0
  /** Those among them that told of nothing new. */
  withoutNews = 0
  readonly #push: PushService
  readonly #devices = new Map<string, TestDevice>()
  readonly #notifiers = new Map<string, CreatedNotifier>()
  readonly #messages = new Set<string>()
  #read = 0

  constructor(push: PushService) {
    this.#push = push
  }

  /** A device that is verified, and as many queues at the relay that `client` is connected to, all subscribed. */
  async add(connection: NtfConnection, client: SmpClient, server: Server, queues: number): Promise<void> {
    const name = `device${this.#devices.size}`
    const device = await TestDevice.register(connection, this.#push.token(name))
    this.#devices.set(name, device)
    const verification = (): ArrivedPush | undefined => this.#push.received.find((push) => push.device === name)
    await eventually(() => verification() !== undefined)
    await connection.verifyToken(device.access, device.code(verification() as ArrivedPush))
    for (let i = 0; i < queues; i++) {
      const { queue, notifier, subscriptionId: id } = await device.notified(client, server)
      this.#notifiers.set(toHex(notifier.notifierId), notifier)
      this.queues.push(queue)
      this.subscriptions.push({ id, key: device.access.key })
    }
  }

  /** Messages that the devices have been told of by now. */
  get told(): number {
    const received = this.#push.received
    for (; this.#read < received.length; this.#read++) this.#take(received[this.#read] as ArrivedPush)
    return this.#messages.size
  }

  #take(push: ArrivedPush): void {
    const device = this.#devices.get(push.device)
    if (push.kind !== "message" || device === undefined) return
    this.pushes++
    const before = this.#messages.size
    for (const { queue, nonce, meta } of device.list(push)) {
      const notifier = this.#notifiers.get(toHex(queue.notifierId))
      const read = notifier && decryptNotificationMeta(c, c.boxKey(notifier.dhSecret), nonce, meta)
      if (read === undefined) throw new Error("metadata that does not open")
      this.#messages.add(toHex(read.msgId))
    }
    if (this.#messages.size === before) this.withoutNews++
  }
}
