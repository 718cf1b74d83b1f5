import { fromHex } from "@sluice/encoding/bytes"
import type { ServerAddress } from "@sluice/encoding/server-address"
import { Member } from "../../packages/cli/src/fleet/member.ts"
import type { MemberSpec } from "../../packages/cli/src/fleet/member-messages.ts"

export interface FleetOptions {
  readonly nodes: number
  /** Folder with the identity; all nodes use it. */
  readonly dataFolder: string
  /** Path of the hub where they share an embedded store. */
  readonly hub?: string
  /** Milliseconds after which a silent node counts as dead. */
  readonly lease: number
  /** Settings by key, for each node. */
  readonly settings: (index: number) => MemberSpec["overrides"]
  /** Each node has a port of its own, for tests that choose one. */
  readonly ownPorts?: boolean | undefined
}

/** Starts of one node in a row that may fail while what it needs is away. */
const ATTEMPTS = 5

interface Node {
  member: Member | undefined
  paused: boolean
  /** Where it listens; 0 as long as it never did. */
  port: number
  adminPort: number
}

/** Relay processes that share one port and one store, as `sluice up` starts them, under control of a test. */
export class Fleet implements AsyncDisposable {
  readonly #options: FleetOptions
  readonly #nodes: Node[]
  readonly #lines: string[] = []
  #port = 0
  #fingerprint = ""
  #leader: Member | undefined

  private constructor(options: FleetOptions) {
    this.#options = options
    this.#nodes = Array.from({ length: options.nodes }, () => ({
      ...{ member: undefined, paused: false, port: 0, adminPort: 0 },
    }))
  }

  static async start(options: FleetOptions): Promise<Fleet> {
    const fleet = new Fleet(options)
    try {
      for (let index = 0; index < options.nodes; index++) await fleet.start(index)
    } catch (error) {
      await fleet[Symbol.asyncDispose]()
      throw new Error(`a node did not start: ${fleet.log}`, { cause: error })
    }
    return fleet
  }

  get size(): number {
    return this.#nodes.length
  }

  /** Where all nodes listen. */
  get address(): ServerAddress {
    return { scheme: "smp", keyHash: this.keyHash, hosts: ["127.0.0.1"], port: String(this.#port) }
  }

  get keyHash(): Uint8Array {
    return fromHex(this.#fingerprint)
  }

  /** Where one of them listens, with `ownPorts`. */
  port(index: number): number {
    return this.#at(index).port
  }

  /** What a node says at `/metrics`. */
  async metrics(index: number): Promise<string> {
    return (await fetch(`http://127.0.0.1:${this.#at(index).adminPort}/metrics`)).text()
  }

  /** What the nodes logged. */
  get log(): string {
    return this.#lines.join("")
  }

  /** Starts a node that does not run, again if need be as a supervisor would, and waits until it serves. */
  async start(index: number): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#begin(index)
        return
      } catch (error) {
        this.#at(index).member = undefined
        if (attempt === ATTEMPTS) throw error
      }
    }
  }

  async #begin(index: number): Promise<void> {
    const { dataFolder, hub, lease, settings, ownPorts } = this.#options
    const node = this.#at(index)
    const overrides = {
      "relay.bind": ["127.0.0.1"],
      "relay.port": ownPorts ? node.port : this.#port,
      "relay.share_port": true,
      "admin.port": 0,
      "fleet.lease": `${lease}ms`,
      "relay.end_interval": "100ms",
      "log.level": "warn",
      ...settings(index),
    }
    const member = new Member({ index, dataFolder, hub, overrides }, { write: (line) => this.#lines.push(line) })
    node.member = member
    const { port, adminPort, fingerprint } = await member.ready
    Object.assign(node, { port, adminPort })
    this.#port = port
    this.#fingerprint = fingerprint
    this.#leader ??= member
    if (this.#leader === member) member.lead()
  }

  /** `SIGKILL`: the node gets no chance to do anything. */
  async kill(index: number): Promise<void> {
    await this.#end(index, "SIGKILL")
  }

  /** `SIGTERM`: the node finishes what it began. */
  async stop(index: number): Promise<void> {
    await this.#end(index, "SIGTERM")
  }

  /** It keeps its connections and does nothing. */
  pause(index: number): void {
    this.#at(index).paused = true
    this.#at(index).member?.signal("SIGSTOP")
  }

  resume(index: number): void {
    this.#at(index).paused = false
    this.#at(index).member?.signal("SIGCONT")
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      this.#nodes.map(async ({ member }, index) => {
        if (member === undefined) return
        this.resume(index)
        await this.kill(index)
      }),
    )
  }

  async #end(index: number, signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const node = this.#at(index)
    const { member } = node
    if (member === undefined) throw new Error("the node does not run")
    node.member = undefined
    member.signal(signal)
    await member.ended
    if (this.#leader !== member) return
    this.#leader = this.#nodes.find((other) => other.member !== undefined)?.member
    this.#leader?.lead()
  }

  #at(index: number): Node {
    const node = this.#nodes[index]
    if (node === undefined) throw new RangeError("no such node")
    return node
  }
}
