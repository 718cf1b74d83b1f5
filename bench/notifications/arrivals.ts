import { nativeCrypto as c } from "@sluice/crypto/native"
import { decodeBase64Url } from "@sluice/encoding/base64url"
import { toHex } from "@sluice/encoding/bytes"
import { decodeMessageList } from "@sluice/ntf-protocol/message-list"
import { openPush } from "@sluice/ntf-protocol/push-content"
import { decryptNotificationMeta } from "@sluice/smp-protocol/notification-meta"
import type { ApnsPush } from "../../packages/push/test/apns-stand-in.ts"

/** What the stand-in for Apple's service got, opened as the devices would. */
export class Arrivals {
  /** By device token. */
  readonly secrets = new Map<string, Uint8Array>()
  readonly codes = new Map<string, Uint8Array>()
  /** Secrets of queues' metadata, by notifier id. */
  readonly queues = new Map<string, Uint8Array>()
  /** When messages arrived for the first time, by notifier id and then in the order of their arrival. */
  readonly times = new Map<string, number[]>()
  /** Pushes with messages, and those that brought nothing that had not come before. */
  pushes = 0
  repeated = 0
  readonly #known = new Set<string>()

  /** Messages that arrived. */
  get messages(): number {
    return this.#known.size
  }

  add({ deviceToken, data }: ApnsPush): void {
    const at = performance.now()
    const secret = this.secrets.get(deviceToken)
    const text = data.message ?? data.verification
    if (secret === undefined || text === undefined || data.nonce === undefined) return
    const content = { nonce: decodeBase64Url(data.nonce), ciphertext: decodeBase64Url(text) }
    const opened = openPush({ crypto: c, secret }, content)
    if (opened === undefined) throw new Error("a push that does not open")
    if (data.verification === undefined) this.#addMessages(opened, at)
    else this.codes.set(deviceToken, opened)
  }

  #addMessages(opened: Uint8Array, at: number): void {
    this.pushes++
    const before = this.#known.size
    for (const { queue, nonce, meta } of decodeMessageList(opened)) {
      const id = toHex(queue.notifierId)
      const secret = this.queues.get(id)
      const read = secret && decryptNotificationMeta(c, c.boxKey(secret), nonce, meta)
      if (read === undefined) throw new Error("metadata that does not open")
      const msgId = toHex(read.msgId)
      if (this.#known.has(msgId)) continue
      this.#known.add(msgId)
      const times = this.times.get(id) ?? []
      times.push(at)
      this.times.set(id, times)
    }
    if (this.#known.size === before) this.repeated++
  }
}
