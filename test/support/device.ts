import type { NotifiedMessage } from "@sluice/agent/notifications/pushes"
import type { NotificationMode } from "@sluice/agent/notifications/records"
import { equalBytes, utf8 } from "@sluice/encoding/bytes"
import type { DeviceToken } from "@sluice/ntf-protocol/device-token"
import type { SealedPush } from "@sluice/ntf-protocol/push-content"
import type { TokenStatus } from "@sluice/ntf-protocol/status"
import type { DeliveredPush } from "@sluice/push/memory-provider"
import type { PushKind } from "@sluice/push/provider"
import type { TestAgent } from "../agent/test-agent.ts"
import { eventually, type TestNotifications, testToken } from "./notifications.ts"

/** An agent on a device that gets pushes. */
export class Device {
  readonly owner: TestAgent
  token: DeviceToken
  #text: string
  readonly #taken = new Set<DeliveredPush>()

  constructor(owner: TestAgent, text: string) {
    this.owner = owner
    this.token = testToken(text)
    this.#text = text
  }

  /** The system gives the device another token. */
  renew(text: string): void {
    this.token = testToken(text)
    this.#text = text
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
  async activate(ntf: TestNotifications, mode: NotificationMode): Promise<void> {
    await this.register(mode)
    await this.verify(await this.verification(ntf))
  }

  /** Pushes to this device that no test has taken. */
  waiting(ntf: TestNotifications, kind?: PushKind): DeliveredPush[] {
    return ntf.push.attempts.filter((push) => {
      const mine = push.target.kind === "apns" && push.target.token === this.#text
      return mine && !this.#taken.has(push) && (kind === undefined || push.kind === kind)
    })
  }

  async verification(ntf: TestNotifications): Promise<SealedPush> {
    return await this.#take(ntf, "verification")
  }

  /** What the next message push is about. */
  async message(ntf: TestNotifications): Promise<{ push: SealedPush; messages: NotifiedMessage[] }> {
    const push = await this.#take(ntf, "message")
    return { push, messages: await this.owner.agent.notifications.read(push) }
  }

  /** The next message push, which must be about this connection. */
  async notified(ntf: TestNotifications, connectionId: Uint8Array): Promise<NotifiedMessage> {
    const last = (await this.message(ntf)).messages.at(-1)
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

  async #take(ntf: TestNotifications, kind: PushKind): Promise<SealedPush> {
    await eventually(() => this.waiting(ntf, kind).length > 0)
    const [push] = this.waiting(ntf, kind)
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

/** Stops it and starts it where it was. */
export async function restart(ntf: TestNotifications): Promise<void> {
  const port = Number(ntf.address.port)
  await ntf.stop()
  await ntf.start({ "notifications.port": port })
}

/** The one registration that a server has, which is active. */
export async function activeRegistration(ntf: TestNotifications): Promise<Uint8Array> {
  const { items } = await ntf.store.dueTokens(2 ** 40, { limit: 10 })
  return items[0]?.tokenId ?? utf8("")
}
