import type { PublicKey } from "@sluice/crypto/keys"
import { nativeCrypto } from "@sluice/crypto/native"
import { equalBytes, idKey } from "@sluice/encoding/bytes"
import { decodeBlock, decodeResponses, type ReceivedCommand } from "@sluice/smp-protocol/block"
import type { BrokerMessage, MessageOf } from "@sluice/smp-protocol/messages"
import { ID_LENGTH } from "@sluice/smp-protocol/types"
import type { Trace, TraceBlock } from "./trace-files.ts"

/** What the reference server chose at random while it executed one command. */
export interface Choices {
  /** X25519 public keys, in the order in which our relay makes them. */
  readonly keys: readonly PublicKey<"x25519">[]
  /** 24-byte ids and nonces, in the order in which our relay asks for them. */
  readonly ids: readonly Uint8Array[]
}

/** A recorded command with what is known about its execution. */
export interface ScriptedCommand {
  readonly received: ReceivedCommand
  /** The recorded answer; absent where the recording ends before it. */
  readonly answer: BrokerMessage | undefined
  readonly choices: Choices
  /** A message that the recipient got although no recorded `SEND` stored it: it came inside this `PFWD`. */
  readonly forwarded?: { readonly recipientId: Uint8Array; readonly messageId: Uint8Array } | undefined
}

/** The commands of each block of a client; transmissions that are no commands are left out. */
export type Script = ReadonlyMap<TraceBlock, readonly ScriptedCommand[]>

const NOTHING: Choices = { keys: [], ids: [] }

interface Queue {
  readonly recipientId: Uint8Array
  /** Ids of its messages in the order in which they were first delivered, which is that of their storage. */
  readonly messageIds: Uint8Array[]
  notifierId: Uint8Array | undefined
  /** The last `SEND` was refused for quota, so a marker is there already. */
  full: boolean
  stored: number
}

/**
 * Finds in a recording what its server chose at random: ids and keys from the answers to `NEW` and `NKEY`, ids of
 * messages from their deliveries, nonces of notifications from `NMSG`. `undelivered` is the number of messages that each
 * queue loses before the first one is delivered.
 */
export function scriptOf(trace: Trace, undelivered = 0): Script {
  return new ScriptWriter(trace, undelivered).write()
}

class ScriptWriter {
  readonly #trace: Trace
  readonly #undelivered: number
  readonly #answers: Map<ReceivedCommand, BrokerMessage>
  readonly #commands: Map<TraceBlock, ReceivedCommand[]>
  readonly #byRecipient = new Map<string, Queue>()
  readonly #bySender = new Map<string, Queue>()
  readonly #nonces = new Map<string, Uint8Array[]>()

  constructor(trace: Trace, undelivered: number) {
    this.#trace = trace
    this.#undelivered = undelivered
    const { commands, answers } = paired(trace)
    this.#commands = commands
    this.#answers = answers
  }

  write(): Script {
    this.#collect()
    const forwarded = this.#forwardedMessages()
    const script = new Map<TraceBlock, ScriptedCommand[]>()
    for (const [block, commands] of this.#commands) {
      script.set(
        block,
        commands.map((received) => {
          const answer = this.#answers.get(received)
          return { received, answer, choices: this.#choices(received, answer), forwarded: forwarded.get(received) }
        }),
      )
    }
    return script
  }

  /** First everything that is known at the end: queues, ids of their messages, nonces. */
  #collect(): void {
    for (const [command, answer] of this.#answers) {
      if (command.command.tag === "NEW" && answer.tag === "IDS") this.#addQueue(answer)
    }
    for (const { entityId, message } of received(this.#trace)) {
      if (message.tag === "MSG") {
        const ids = this.#byRecipient.get(idKey(entityId))?.messageIds
        if (ids !== undefined && !ids.some((id) => equalBytes(id, message.msgId))) ids.push(message.msgId)
      } else if (message.tag === "NMSG") {
        const nonces = this.#nonces.get(idKey(entityId)) ?? []
        this.#nonces.set(idKey(entityId), [...nonces, message.nonce])
      }
    }
  }

  #addQueue({ recipientId, senderId }: MessageOf<"IDS">): void {
    const queue: Queue = { recipientId, messageIds: [], notifierId: undefined, full: false, stored: 0 }
    this.#byRecipient.set(idKey(recipientId), queue)
    this.#bySender.set(idKey(senderId), queue)
  }

  /** Messages of queues that nobody sent to directly, each given to one of the last proxied requests that succeeded. */
  #forwardedMessages(): Map<ReceivedCommand, ScriptedCommand["forwarded"]> {
    const direct = new Set<Queue | undefined>()
    const requests: ReceivedCommand[] = []
    for (const [received, answer] of this.#answers) {
      if (received.command.tag === "SEND") direct.add(this.#bySender.get(idKey(received.entityId)))
      if (received.command.tag === "PFWD" && answer.tag === "PRES") requests.push(received)
    }
    const messages = [...this.#byRecipient.values()]
      .filter((queue) => !direct.has(queue))
      .flatMap(({ recipientId, messageIds }) => messageIds.map((messageId) => ({ recipientId, messageId })))
    if (messages.length > requests.length) throw new Error("trace: messages that nobody sent")
    const through = requests.slice(requests.length - messages.length)
    return new Map(through.map((request, i) => [request, messages[i]]))
  }

  #choices({ command, entityId }: ReceivedCommand, answer: BrokerMessage | undefined): Choices {
    switch (command.tag) {
      case "NEW":
        return answer?.tag === "IDS" ? choicesOfNew(command.queueData?.link !== undefined, answer) : NOTHING
      case "NKEY": {
        if (answer?.tag !== "NID") return NOTHING
        this.#queue(entityId).notifierId = answer.notifierId
        return { keys: [answer.dhKey], ids: [answer.notifierId] }
      }
      case "NDEL":
        if (answer?.tag === "OK") this.#queue(entityId).notifierId = undefined
        return NOTHING
      case "SEND":
        return this.#choicesOfSend(this.#bySender.get(idKey(entityId)), command.flags.notification, answer)
      default:
        return NOTHING
    }
  }

  #choicesOfSend(queue: Queue | undefined, notify: boolean, answer: BrokerMessage | undefined): Choices {
    if (queue === undefined || answer === undefined) return NOTHING
    const stored = answer.tag === "OK"
    const marker = answer.tag === "ERR" && answer.error.type === "QUOTA" && !queue.full
    if (stored) queue.full = false
    if (marker) queue.full = true
    if (!stored && !marker) return NOTHING
    // A message that was never delivered in the recording gets any id.
    const id = queue.messageIds[queue.stored++ - this.#undelivered] ?? nativeCrypto.randomBytes(ID_LENGTH)
    const nonce = stored && notify && queue.notifierId && this.#nonces.get(idKey(queue.notifierId))?.shift()
    return { keys: [], ids: nonce ? [id, nonce] : [id] }
  }

  #queue(recipientId: Uint8Array): Queue {
    const queue = this.#byRecipient.get(idKey(recipientId))
    if (queue === undefined) throw new Error("trace: a queue that nobody made")
    return queue
  }
}

/** Our relay makes the link id first, then that of the notifier, then those of the queue. */
function choicesOfNew(withLink: boolean, answer: MessageOf<"IDS">): Choices {
  const { recipientId, senderId, dhKey, notifier, linkId, queueMode } = answer
  return {
    keys: notifier === undefined ? [dhKey] : [dhKey, notifier.dhKey],
    ids: [
      ...(linkId !== undefined && queueMode === "messaging" ? [linkId] : []),
      ...(notifier === undefined ? [] : [notifier.notifierId]),
      recipientId,
      ...(withLink ? [] : [senderId]),
    ],
  }
}

/** All good messages that the clients of a trace received. */
function received(trace: Trace): { readonly entityId: Uint8Array; readonly message: BrokerMessage }[] {
  return trace.blocks
    .filter(({ direction, kind }) => direction === "rx" && kind === "transmissions")
    .flatMap(({ content, connection }) => decodeResponses(content, connection.params))
    .filter((response) => response.ok)
}

/** The commands of each block, and their answers: the next with the same correlation id on the same connection. */
function paired(trace: Trace): {
  readonly commands: Map<TraceBlock, ReceivedCommand[]>
  readonly answers: Map<ReceivedCommand, BrokerMessage>
} {
  const commands = new Map<TraceBlock, ReceivedCommand[]>()
  const answers = new Map<ReceivedCommand, BrokerMessage>()
  const waiting = new Map<string, ReceivedCommand[]>()
  for (const block of trace.blocks) {
    const { connection, content } = block
    if (block.kind !== "transmissions") continue
    const place = (corrId: Uint8Array): string => `${connection.index} ${idKey(corrId)}`
    if (block.direction === "tx") {
      const good = decodeBlock(content, connection.params).filter((parsed) => parsed.ok)
      commands.set(block, good)
      for (const command of good) {
        waiting.set(place(command.corrId), [...(waiting.get(place(command.corrId)) ?? []), command])
      }
      continue
    }
    for (const response of decodeResponses(content, connection.params)) {
      if (!response.ok || response.corrId.length === 0) continue
      const command = waiting.get(place(response.corrId))?.shift()
      if (command !== undefined) answers.set(command, response.message)
    }
  }
  return { commands, answers }
}
