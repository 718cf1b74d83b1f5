import type { PushKind } from "@sluice/push/provider"
import type { HostLimits } from "./host-limits.ts"
import { isChosenByDevices } from "./push-target.ts"

/** Why a token has something to be sent: a stored push, or its period. */
export interface Waiting {
  readonly tokenId: Uint8Array
  readonly kind: PushKind
  /** A second attempt, whose result is final. */
  readonly second: boolean
}

/** Pushes of one push service, by token and kind. */
export interface Lane {
  readonly waiting: Map<string, Waiting>
  readonly running: Set<string>
  /** Of those under way, what there is more of meanwhile. */
  readonly again: Set<string>
  /** Of a host that devices have chosen. */
  readonly chosen: boolean
  /** Of one that has not answered lately. */
  stranger: boolean
}

/** What became of a push that is to wait. */
export type Added =
  | "added"
  /** The same waits already. */
  | "merged"
  /** The same is under way: it may be found to have changed when that is over. */
  | "running"
  /** There is no room for any push. */
  | "full"
  /** There is no room for one more of such a host. */
  | "left"

/** Parts of the room: for all hosts that devices have chosen, for any one of them, and for those without a late answer. */
const CHOSEN_PART = 3 / 4
const HOST_PART = 1 / 4
const STRANGERS_PART = 1 / 4

/**
 * The pushes that wait in memory, and those under way, by push service. Devices name hosts of Web Push, and make as many
 * tokens there as they like: what waits for these must not leave the others no room.
 */
export class WaitingPushes {
  readonly #limits: Pick<HostLimits, "isStranger">
  readonly #room: number
  /** By `laneOf`; those with nothing in them are removed. */
  readonly #lanes = new Map<string, Lane>()
  #size = 0
  /** Of these, to hosts that devices have chosen. */
  #chosen = 0
  /** Of these, in lanes of strangers. */
  #strangers = 0

  /** @param room pushes that may wait */
  constructor(limits: Pick<HostLimits, "isStranger">, room: number) {
    this.#limits = limits
    this.#room = room
  }

  /** Pushes that wait. */
  get size(): number {
    return this.#size
  }

  lane(name: string): Lane | undefined {
    return this.#lanes.get(name)
  }

  add(name: string, key: string, push: Waiting): Added {
    const lane = this.#lanes.get(name) ?? this.#newLane(name)
    if (lane.running.has(key)) {
      // A periodic push under way is as good as one more.
      if (push.kind !== "check-messages") lane.again.add(key)
      return "running"
    }
    if (lane.waiting.has(key)) return "merged"
    if (this.#size >= this.#room) return "full"
    if (!this.#hasRoom(lane)) return "left"
    this.#lanes.set(name, lane)
    lane.waiting.set(key, push)
    this.#count(lane, 1)
    return "added"
  }

  /** A push has its turn. */
  begin(lane: Lane, key: string): void {
    this.#drop(lane, key)
    lane.running.add(key)
  }

  /** A push is not under way any more. Gives whether there is more of it. */
  end(lane: Lane, key: string): boolean {
    lane.running.delete(key)
    return lane.again.delete(key)
  }

  /** Forgets a lane with nothing in it. */
  tidy(name: string): void {
    const lane = this.#lanes.get(name)
    if (lane !== undefined && lane.waiting.size + lane.running.size === 0) this.#lanes.delete(name)
  }

  /**
   * An attempt has shown how a host answers. Where strangers have too much now, the last pushes to this one go; gives
   * whether some did.
   */
  judge(name: string): boolean {
    const lane = this.#lanes.get(name)
    const stranger = this.#limits.isStranger(name)
    if (lane === undefined || lane.stranger === stranger) return false
    lane.stranger = stranger
    this.#strangers += stranger ? lane.waiting.size : -lane.waiting.size
    const excess = this.#strangers - this.#part(STRANGERS_PART)
    if (excess <= 0) return false
    for (const key of [...lane.waiting.keys()].slice(-excess)) this.#drop(lane, key)
    return true
  }

  /** Forgets all that wait. */
  clear(): void {
    for (const { waiting } of this.#lanes.values()) waiting.clear()
    this.#size = 0
    this.#chosen = 0
    this.#strangers = 0
  }

  #newLane(name: string): Lane {
    const [chosen, stranger] = [isChosenByDevices(name), this.#limits.isStranger(name)]
    return { waiting: new Map(), running: new Set(), again: new Set(), chosen, stranger }
  }

  #hasRoom({ chosen, stranger, waiting }: Lane): boolean {
    if (!chosen) return true
    if (waiting.size >= this.#part(HOST_PART) || this.#chosen >= this.#part(CHOSEN_PART)) return false
    return !stranger || this.#strangers < this.#part(STRANGERS_PART)
  }

  #part(part: number): number {
    return Math.ceil(this.#room * part)
  }

  #drop(lane: Lane, key: string): void {
    if (lane.waiting.delete(key)) this.#count(lane, -1)
  }

  #count({ chosen, stranger }: Lane, by: 1 | -1): void {
    this.#size += by
    if (chosen) this.#chosen += by
    if (stranger) this.#strangers += by
  }
}
