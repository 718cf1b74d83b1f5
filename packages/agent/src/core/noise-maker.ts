import { idKey } from "@sluice/encoding/bytes"
import type { Timer } from "@sluice/ops/clock"
import { NOISE_BODY } from "../connection/noise.ts"
import { enqueue } from "../connection/outgoing.ts"
import { canSend } from "../connection/sync-state.ts"
import type { NoiseSettings } from "../network/settings.ts"
import type { AgentContext } from "./context.ts"

/** How often new connections are looked for, ms. */
const LOOK_EVERY = 60_000

/**
 * Sends messages without content at random times, while the settings want it, on connections whose peers take them. Each
 * connection has its own times: what a relay counts then says little about how much is said.
 */
export class NoiseMaker {
  readonly #context: AgentContext
  readonly #timers = new Map<string, Timer>()
  #look: Timer | undefined

  constructor(context: AgentContext) {
    this.#context = context
  }

  /** Starts, or starts anew with other settings. */
  start(): void {
    this.stop()
    const { noise } = this.#context.pool.settings
    if (noise !== undefined) this.#find(noise)
  }

  stop(): void {
    this.#look?.cancel()
    this.#look = undefined
    for (const timer of this.#timers.values()) timer.cancel()
    this.#timers.clear()
  }

  #find(noise: NoiseSettings): void {
    const { store, clock } = this.#context
    store.list("connections").then(
      (records) => {
        for (const { id, noise: taken, deleted } of records) {
          if (taken === true && deleted === undefined && !this.#timers.has(idKey(id))) this.#plan(id, noise)
        }
      },
      // A store that does not answer is told by everything else; the next look may succeed.
      () => undefined,
    )
    this.#look = clock.setTimeout(() => this.#find(noise), Math.min(LOOK_EVERY, noise.minMs), { background: true })
  }

  #plan(id: Uint8Array, noise: NoiseSettings): void {
    const { clock, random } = this.#context
    const ms = noise.minMs + random() * (noise.maxMs - noise.minMs)
    const send = (): void => {
      this.#send(id).then(
        (goesOn) => {
          if (goesOn && this.#timers.has(idKey(id))) this.#plan(id, noise)
          else this.#timers.delete(idKey(id))
        },
        () => this.#timers.delete(idKey(id)),
      )
    }
    this.#timers.set(idKey(id), clock.setTimeout(send, ms, { background: true }))
  }

  /** Whether the connection is to go on. Nothing is sent while something else waits: that is traffic enough. */
  async #send(id: Uint8Array): Promise<boolean> {
    const { connections, store } = this.#context
    const [waiting] = await store.list("deliveries", { prefix: [id], limit: 1 })
    if (waiting !== undefined) return true
    return await connections.change(id, (draft) => {
      if (draft.record.noise !== true) return false
      if (canSend(draft.record.sync))
        enqueue(draft, { tag: "A_MSG", body: NOISE_BODY }, { notify: false, silent: true })
      return true
    })
  }
}
