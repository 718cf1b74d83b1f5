import { setImmediate } from "node:timers/promises"
import type { BoxKey } from "@sluice/crypto/backend"
import { nativeCrypto as c } from "@sluice/crypto/native"
import { equalBytes, fromLatin1, idKey, toHex } from "@sluice/encoding/bytes"
import { batchContent } from "@sluice/smp-protocol/batch"
import { decodeBlock, decodeResponses, type ParsedResponse, splitBlock } from "@sluice/smp-protocol/block"
import { DELIVERED_LENGTH, type DeliveredContent, decryptDelivered } from "@sluice/smp-protocol/delivered-body"
import { decryptNotificationMeta, NOTIFICATION_META_LENGTH } from "@sluice/smp-protocol/notification-meta"
import { encodeServiceResponse } from "@sluice/transport/hello"
import type { Trace, TraceBlock, TraceConnection } from "./trace-files.ts"
import { FORWARDED_BODY, type SimulatedConnection, SimulatedRelay } from "./trace-relay.ts"
import { incidentsBefore, type Scenario, scenarioOf } from "./trace-scenarios.ts"
import { type Script, type ScriptedCommand, scriptOf } from "./trace-script.ts"

/** One recorded block of the server beside ours; each transmission as text, the parts that cannot agree left out. */
export interface Compared {
  /** Connection and place in the recording. */
  readonly where: string
  readonly recorded: readonly string[]
  readonly ours: readonly string[]
}

/** Events that the server sends some time after their cause. */
const TIMED: ReadonlySet<string> = new Set(["END", "ENDS", "DELD", "NMSG"])

/** More than the delays of all of them. */
const DELAY_SECONDS = 1

interface Live {
  readonly simulated: SimulatedConnection
  /** Timed events that were sent and not compared yet. */
  readonly timed: string[]
}

/** The relay did not make something that the recorded server made, an id or a key: they are about to differ. */
export class UnusedChoices extends Error {
  override readonly name = "UnusedChoices"
}

/**
 * Runs a recorded scenario against our relay and puts each block of the server beside ours.
 *
 * A command is executed when its answer is recorded, or when something recorded needs its effect: the client wrote it to
 * the network some time before, and that is all its own place in the recording says.
 */
export class TraceReplay {
  readonly compared: Compared[] = []
  readonly #trace: Trace
  readonly #scenario: Scenario
  readonly #script: Script
  readonly #relay: SimulatedRelay
  readonly #live = new Map<TraceConnection, Live>()
  #pending: TraceBlock[] = []
  readonly #queueKeys = new Map<string, BoxKey>()
  readonly #notifierKeys = new Map<string, BoxKey>()
  readonly #contents = new Map<string, Omit<DeliveredContent, "timestamp">>()
  /** Our body for each body that was recorded. */
  readonly #bodies = new Map<string, string>()

  constructor(trace: Trace) {
    this.#trace = trace
    this.#scenario = scenarioOf(trace)
    this.#script = scriptOf(trace, this.#scenario.undelivered)
    const scripted = new Map([...this.#script.values()].flat().map((item) => [idKey(item.received.corrId), item]))
    this.#relay = new SimulatedRelay(this.#scenario.policy ?? {}, (corrId) => {
      const item = scripted.get(idKey(corrId))
      if (item === undefined) throw new Error("a command that was not recorded")
      return item
    })
  }

  /** Defects that the relay logged. */
  get errors(): readonly string[] {
    return this.#relay.log.entries.filter(({ level }) => level === "error").map(({ message }) => message)
  }

  async run(): Promise<readonly Compared[]> {
    for (const [position, block] of this.#trace.blocks.entries()) {
      await this.#incidents(block)
      const where = `block ${position}, connection ${block.connection.index}`
      if (block.kind === "client-hello") await this.#open(block.connection)
      else if (block.kind === "service-response") this.#compareServiceResponse(where, block)
      else if (block.kind === "transmissions") await this.#transmissions(where, block)
      if (block.connection.blocks.at(-1) === block) await this.#close(block.connection)
    }
    return this.compared
  }

  async #incidents(block: TraceBlock): Promise<void> {
    const corrIds = this.#commands(block).map(({ received }) => fromLatin1(received.corrId))
    for (const { restart, seconds, expire } of incidentsBefore(this.#scenario, block, corrIds)) {
      if (seconds !== undefined) await this.#relay.pass(seconds)
      if (expire === true) await this.#relay.expire()
      if (restart !== undefined) this.#relay.restart(restart)
    }
  }

  async #open(connection: TraceConnection): Promise<void> {
    const [service] = connection.blocks.filter(({ kind }) => kind === "service-response")
    // The id of a service is chosen when it is first seen; the store gives the same one later.
    if (service !== undefined) this.#relay.crypto.choose({ keys: [], ids: [service.content.subarray(2)] })
    this.#live.set(connection, { simulated: await this.#relay.connect(connection), timed: [] })
  }

  /** Later blocks of a connection that is not there any more would have been recorded: it ends after its last one. */
  async #close(connection: TraceConnection): Promise<void> {
    const live = this.#live.get(connection)
    if (live === undefined) return
    while (this.#pending.some((block) => block.connection === connection)) await this.#executeNext(connection)
    live.simulated.close()
    this.#live.delete(connection)
    const left = live.simulated.sent.map((block) => block.map((bytes) => this.#text(connection, bytes)))
    const unread = connection.blocks.at(-1)?.direction === "tx" ? [] : [...left.flat(), ...live.timed]
    const where = `after the last block of connection ${connection.index}`
    if (unread.length > 0) this.compared.push({ where, recorded: [], ours: unread })
  }

  #compareServiceResponse(where: string, { connection, content }: TraceBlock): void {
    const { service } = this.#of(connection).simulated.params
    const ours = service && encodeServiceResponse({ accepted: true, serviceId: service.serviceId })
    this.compared.push({ where, recorded: [toHex(content)], ours: ours === undefined ? [] : [toHex(ours)] })
  }

  async #transmissions(where: string, block: TraceBlock): Promise<void> {
    if (block.direction === "tx") {
      this.#pending.push(block)
      return
    }
    const { connection, content } = block
    const { simulated, timed } = this.#of(connection)
    const transmissions = splitBlock(content) ?? []
    const responses = decodeResponses(content, connection.params)
    const recorded = transmissions.map((bytes) => this.#text(connection, bytes))
    if (responses.every((response) => response.ok && TIMED.has(response.message.tag))) {
      while (this.#pending.length > 0) await this.#executeNext()
      await this.#relay.pass(DELAY_SECONDS)
      this.#takeTimed(connection)
      const found = recorded.filter((text) => timed.includes(text))
      for (const text of found) timed.splice(timed.indexOf(text), 1)
      this.compared.push({ where, recorded, ours: found.length === recorded.length ? found : [...timed] })
      return
    }
    await this.#executeFor(connection, responses)
    this.#takeTimed(connection)
    const ours = simulated.sent.shift() ?? []
    this.compared.push({
      where,
      recorded,
      ours: ours.map((bytes, i) => this.#ours(connection, bytes, transmissions[i])),
    })
  }

  /** Executes what a recorded block answers; for an event, whatever was sent before, until there is something. */
  async #executeFor(connection: TraceConnection, responses: readonly ParsedResponse[]): Promise<void> {
    const answered = responses.find(({ corrId }) => corrId.length > 0)
    const { simulated } = this.#of(connection)
    const due = (block: TraceBlock): boolean =>
      block.connection === connection && answered !== undefined && holds(block, answered.corrId)
    if (answered !== undefined) while (this.#pending.some(due)) await this.#executeNext(connection)
    while (simulated.sent.length === 0 && this.#pending.length > 0) await this.#executeNext()
  }

  /** The next block, of one connection or of all. */
  async #executeNext(connection?: TraceConnection): Promise<void> {
    const block = this.#pending.find((pending) => connection === undefined || pending.connection === connection)
    if (block === undefined) return
    this.#pending = this.#pending.filter((pending) => pending !== block)
    const commands = this.#commands(block)
    for (const { choices } of commands) this.#relay.crypto.choose(choices)
    await this.#of(block.connection).simulated.receive(block.content)
    await setImmediate()
    if (this.#relay.crypto.unused > 0) throw new UnusedChoices()
    for (const command of commands) this.#learn(command)
  }

  /** What the relay's messages will have to say. */
  #learn({ received, answer, choices, forwarded }: ScriptedCommand): void {
    const { command } = received
    const [key, notifierKey] = choices.keys
    const [messageId] = choices.ids
    const boxKey = (own: typeof key, peer: NonNullable<typeof key>): BoxKey | undefined =>
      own && c.boxKey(this.#relay.crypto.secret(own, peer))
    if (command.tag === "NEW" && answer?.tag === "IDS") {
      remember(this.#queueKeys, answer.recipientId, boxKey(key, command.dhKey))
      const { notifier } = command
      if (notifier && answer.notifier) {
        remember(this.#notifierKeys, answer.notifier.notifierId, boxKey(notifierKey, notifier.dhKey))
      }
    } else if (command.tag === "NKEY" && answer?.tag === "NID") {
      remember(this.#notifierKeys, answer.notifierId, boxKey(key, command.dhKey))
    } else if (command.tag === "SEND" && messageId !== undefined) {
      const { body, flags } = command
      const stored = { kind: "message", notify: flags.notification, body } as const
      this.#contents.set(idKey(messageId), answer?.tag === "OK" ? stored : { kind: "quota" })
    } else if (forwarded !== undefined) {
      const content = { kind: "message", notify: false, body: FORWARDED_BODY } as const
      this.#contents.set(idKey(forwarded.messageId), content)
    }
  }

  /** Sorts out the timed events among what was sent. */
  #takeTimed(connection: TraceConnection): void {
    const { simulated, timed } = this.#of(connection)
    for (const block of simulated.sent.splice(0)) {
      const responses = block.map((bytes) => parse(connection, bytes))
      const later = responses.every((response) => response?.ok === true && TIMED.has(response.message.tag))
      if (later) timed.push(...block.map((bytes) => this.#ours(connection, bytes, undefined)))
      else simulated.sent.push(block)
    }
  }

  /** Our transmission as text, with a remark where its encrypted part does not say what it should. */
  #ours(connection: TraceConnection, bytes: Uint8Array, recorded: Uint8Array | undefined): string {
    const text = this.#text(connection, bytes)
    const response = parse(connection, bytes)
    if (response?.ok !== true) return text
    const { message, entityId } = response
    if (message.tag === "NMSG") {
      const key = this.#notifierKeys.get(idKey(entityId))
      const meta = key && decryptNotificationMeta(c, key, message.nonce, message.meta)
      return meta !== undefined && this.#contents.has(idKey(meta.msgId)) ? text : `${text}, which is wrong`
    }
    if (message.tag !== "MSG") return text
    const key = this.#queueKeys.get(idKey(entityId))
    const content = key && decryptDelivered(c, key, message.msgId, message.body)
    const expected = this.#contents.get(idKey(message.msgId))
    const same = content !== undefined && expected !== undefined && sameContent(content, expected)
    return same && this.#repeats(message.body, recorded) ? text : `${text}, which is wrong`
  }

  /** Where the reference sent the same bytes again, so do we. */
  #repeats(body: Uint8Array, recorded: Uint8Array | undefined): boolean {
    if (recorded === undefined) return true
    const theirs = toHex(recorded.subarray(-DELIVERED_LENGTH))
    const known = this.#bodies.get(theirs)
    this.#bodies.set(theirs, toHex(body))
    return known === undefined || known === toHex(body)
  }

  /** All bytes of a transmission but those that are encrypted with secrets that nobody has. */
  #text(connection: TraceConnection, bytes: Uint8Array): string {
    const response = parse(connection, bytes)
    if (response?.ok !== true) return toHex(bytes)
    const { message } = response
    const hidden = message.tag === "MSG" ? DELIVERED_LENGTH : message.tag === "NMSG" ? NOTIFICATION_META_LENGTH : 0
    const shown = toHex(bytes.subarray(0, bytes.length - hidden))
    return hidden === 0 ? `${message.tag} ${shown}` : `${message.tag} ${shown} and ${hidden} bytes`
  }

  #commands(block: TraceBlock): readonly ScriptedCommand[] {
    return this.#script.get(block) ?? []
  }

  #of(connection: TraceConnection): Live {
    const live = this.#live.get(connection)
    if (live === undefined) throw new Error("a connection that is not open")
    return live
  }
}

/** Whether a block of a client has a transmission with this correlation id, good or not. */
function holds({ content, connection }: TraceBlock, corrId: Uint8Array): boolean {
  return decodeBlock(content, connection.params).some((parsed) => equalBytes(parsed.corrId, corrId))
}

function parse(connection: TraceConnection, transmission: Uint8Array): ParsedResponse | undefined {
  const content = batchContent({ items: [transmission], length: 3 + transmission.length })
  return decodeResponses(content, connection.params)[0]
}

function remember(keys: Map<string, BoxKey>, id: Uint8Array, key: BoxKey | undefined): void {
  if (key !== undefined) keys.set(idKey(id), key)
}

function sameContent(content: DeliveredContent, expected: Omit<DeliveredContent, "timestamp">): boolean {
  const other = expected as DeliveredContent
  if (content.kind !== "message" || other.kind !== "message") return content.kind === other.kind
  return content.notify === other.notify && equalBytes(content.body, other.body)
}
