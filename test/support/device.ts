import type { NotifiedMessage } from "@sluice/agent/notifications/pushes"
import type { NotificationMode } from "@sluice/agent/notifications/records"
import { equalBytes } from "@sluice/encoding/bytes"
import type { DeviceToken } from "@sluice/ntf-protocol/device-token"
import type { SealedPush } from "@sluice/ntf-protocol/push-content"
import type { TokenStatus } from "@sluice/ntf-protocol/status"
import type { PushKind } from "@sluice/push/provider"
import type { TestAgent } from "../agent/test-agent.ts"
import { eventually, type TestNotifications } from "./notifications.ts"
import type { ArrivedPush, PushService } from "./push-service.ts"

/** An agent on a device that gets pushes. */
export class Device {
  readonly owner: TestAgent
  readonly #push: PushService
  #name: string
  readonly #taken = new Set<ArrivedPush>()

  /** @param name what the device's token is made of */
  constructor(owner: TestAgent, push: PushService, name: string) {
    this.owner = owner
    this.#push = push
    this.#name = name
  }

  get token(): DeviceToken {
    return this.#push.token(this.#name)
  }

  /** The system gives the device another token. */
  renew(name: string): void {
    this.#name = name
  }

  register(mode: NotificationMode): Promise<TokenStatus> {
    return this.owner.agent.notifications.register(this.token, mode)
  }

  verify(push: SealedPush): Promise<TokenStatus> {
    return this.owner.agent.notifications.verify(this.token, push)
  }

  check(): Promise<TokenStatus> {
    return this.owner.agent.notifications.check(this.token)
  }

  /** Registers, and gives the code of the push back. */
  async activate(mode: NotificationMode): Promise<void> {
    await this.register(mode)
    await this.verify(await this.verification())
  }

  /** Pushes to this device that no test has taken. */
  waiting(kind?: PushKind): ArrivedPush[] {
    return this.#push.received.filter((push) => {
      return push.device === this.#name && !this.#taken.has(push) && (kind === undefined || push.kind === kind)
    })
  }

  verification(): Promise<SealedPush> {
    return this.#take("verification")
  }

  /** What the next message push is about. */
  async message(): Promise<{ push: SealedPush; messages: NotifiedMessage[] }> {
    const push = await this.#take("message")
    return { push, messages: await this.owner.agent.notifications.read(push) }
  }

  /** Reads all message pushes that are there; those of queues that are gone do not matter. */
  async skip(): Promise<void> {
    while (this.waiting("message").length > 0) await this.message().catch(() => undefined)
  }

  /** The next message push, which must be about this connection. */
  async notified(connectionId: Uint8Array): Promise<NotifiedMessage> {
    const last = (await this.message()).messages.at(-1)
    if (last === undefined || !equalBytes(last.connectionId, connectionId)) throw new Error("a push of another queue")
    if (last.meta === undefined) throw new Error("metadata that does not open")
    return last
  }

  /** Resolves when the notification server listens to the present queue of each of these connections. */
  async listening(ntf: TestNotifications, connectionIds: readonly Uint8Array[]): Promise<void> {
    const { notifications } = this.owner.agent
    for (const id of connectionIds) await eventually(() => notifications.subscription(id)?.state.type === "CREATED")
    await everyoneActive(ntf)
  }

  async #take(kind: PushKind): Promise<SealedPush> {
    await eventually(() => this.waiting(kind).length > 0)
    const [push] = this.waiting(kind)
    if (push?.content === undefined) throw new Error("a push without content")
    this.#taken.add(push)
    return push.content
  }
}

/** Resolves when no subscription at the notification server waits for its relay. */
export async function everyoneActive(ntf: TestNotifications): Promise<void> {
  await eventually(async () => {
    const { items: relays } = await ntf.store.relays({ limit: 10 })
    for (const { relayId } of relays) {
      const { items } = await ntf.store.subscriptionsToMake(relayId, { limit: 1000 })
      if (items.some(({ status }) => status.type !== "ACTIVE")) return false
    }
    return true
  })
}

/** The one registration that a server has, if it is active. */
export async function activeRegistration(ntf: TestNotifications): Promise<Uint8Array | undefined> {
  const { items } = await ntf.store.dueTokens(2 ** 40, { limit: 10 })
  return items[0]?.tokenId
}
