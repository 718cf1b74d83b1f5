import { equalBytes, idKey } from "@sluice/encoding/bytes"

/** What became of one message. */
interface Sent {
  /** `unanswered`: the connection was lost before the answer, so it may be stored or not. */
  outcome: "waiting" | "ok" | "unanswered" | "refused"
  readonly size: number
  /** Ids under which it was delivered: one, if at all. */
  readonly ids: Set<string>
}

interface Delivery {
  times: number
  /** The connection that it came on last. */
  connection: number
  acknowledged: boolean
}

/** Numbers to print. */
export interface Counts {
  readonly sent: number
  readonly answeredOk: number
  readonly unanswered: number
  readonly refusedForQuota: number
  readonly delivered: number
  /** Deliveries beyond the first, each after a reconnection and before its ACK was answered. */
  readonly redelivered: number
  readonly deliveredThoughUnanswered: number
  readonly acknowledged: number
  /** Delivered for good though no ACK was answered: it was executed, and its answer lost. */
  readonly acknowledgedUnanswered: number
}

/** Smallest body: number of the message. */
const HEADER = 4

/** The books of one queue: what was sent, what came, and everything about it that must not be. */
export class QueueLedger {
  readonly violations: string[] = []
  /** Numbers in the order of their first delivery. */
  readonly #order: number[] = []
  readonly #ordered: "all" | "answered"
  readonly #sent: Sent[] = []
  readonly #deliveries = new Map<string, Delivery>()
  #lastNumber = -1
  #refused = 0

  /**
   * `answered`: only messages that were answered OK must come in order. A server that was paused may store what nobody waits
   * for any more behind what was sent later through another one.
   */
  constructor(ordered: "all" | "answered" = "all") {
    this.#ordered = ordered
  }

  /** The next message to send, which can be told from all others by its body. */
  next(size: number): { readonly number: number; readonly body: Uint8Array } {
    const number = this.#sent.length
    this.#sent.push({ outcome: "waiting", size, ids: new Set() })
    return { number, body: bodyOf(number, size) }
  }

  answered(number: number, outcome: Sent["outcome"]): void {
    const sent = this.#sent[number]
    if (sent === undefined) throw new Error("a message that was not sent")
    sent.outcome = outcome
    if (outcome === "refused") this.#refused++
  }

  /** A message arrived, on the recipient's connection with this number. */
  delivered(msgId: Uint8Array, body: Uint8Array, connection: number): void {
    const known = this.#deliveries.get(idKey(msgId))
    if (known !== undefined) {
      if (known.acknowledged) this.violations.push("delivered again after its ACK was answered")
      if (known.connection === connection) this.violations.push("delivered twice on one connection")
      known.times++
      known.connection = connection
      return
    }
    this.#deliveries.set(idKey(msgId), { times: 1, connection, acknowledged: false })
    const number = body.length < HEADER ? -1 : new DataView(body.buffer, body.byteOffset).getUint32(0)
    const sent = this.#sent[number]
    if (sent === undefined || !equalBytes(body, bodyOf(number, sent.size))) {
      this.violations.push("delivered what was never sent")
      return
    }
    sent.ids.add(idKey(msgId))
    if (sent.ids.size > 1) this.violations.push("stored twice")
    this.#order.push(number)
    if (this.#ordered === "all" && number < this.#lastNumber) this.violations.push("delivered out of order")
    this.#lastNumber = Math.max(this.#lastNumber, number)
    if (sent.outcome === "refused") this.violations.push("delivered though it was refused")
  }

  /** The ACK of a message was answered OK, or with the next one. */
  acknowledged(msgId: Uint8Array): void {
    const delivery = this.#deliveries.get(idKey(msgId))
    if (delivery === undefined) return
    if (delivery.acknowledged) this.violations.push("acknowledged twice")
    delivery.acknowledged = true
  }

  /** To be asked when nothing is under way any more: everything that was answered OK must have come. */
  close(): void {
    for (const { outcome, ids } of this.#sent) {
      if (outcome === "waiting") this.violations.push("never answered, and the client does not know")
      if (outcome === "ok" && ids.size === 0) this.violations.push("answered OK and never delivered")
    }
    const answered = this.#order.filter((number) => this.#sent[number]?.outcome === "ok")
    const before = (number: number, i: number): boolean => i > 0 && number < (answered[i - 1] ?? 0)
    if (this.#ordered === "answered" && answered.some(before)) this.violations.push("delivered out of order")
  }

  get counts(): Counts {
    const of = (outcome: Sent["outcome"]): Sent[] => this.#sent.filter((sent) => sent.outcome === outcome)
    const deliveries = [...this.#deliveries.values()]
    return {
      sent: this.#sent.length,
      answeredOk: of("ok").length,
      unanswered: of("unanswered").length,
      refusedForQuota: this.#refused,
      delivered: deliveries.length,
      redelivered: deliveries.reduce((sum, { times }) => sum + times - 1, 0),
      deliveredThoughUnanswered: of("unanswered").filter(({ ids }) => ids.size > 0).length,
      acknowledged: deliveries.filter(({ acknowledged }) => acknowledged).length,
      acknowledgedUnanswered: deliveries.filter(({ acknowledged }) => !acknowledged).length,
    }
  }
}

/** Sums of all queues. */
export function totals(ledgers: readonly QueueLedger[]): Counts {
  const [first, ...rest] = ledgers.map(({ counts }) => counts)
  if (first === undefined) throw new Error("no queue")
  return rest.reduce<Counts>((sum, counts) => {
    const entries = Object.entries(counts).map(([name, value]) => [name, sum[name as keyof Counts] + value])
    return Object.fromEntries(entries) as unknown as Counts
  }, first)
}

function bodyOf(number: number, size: number): Uint8Array {
  const body = new Uint8Array(Math.max(HEADER, size)).fill(number)
  new DataView(body.buffer).setUint32(0, number)
  return body
}
