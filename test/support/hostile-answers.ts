import { nativeCrypto as c } from "@sluice/crypto/native"
import { EncodeError } from "@sluice/encoding/errors"
import type { ServerAddress } from "@sluice/encoding/server-address"
import type { SmpConnection } from "@sluice/smp-client/connection"
import { singleContent } from "@sluice/smp-protocol/batch"
import type { ReceivedCommand } from "@sluice/smp-protocol/block"
import type { CommandTag } from "@sluice/smp-protocol/commands"
import { type BrokerMessage, type BrokerMessageTag, encodeBrokerMessage } from "@sluice/smp-protocol/messages"
import { encodeTransmission } from "@sluice/smp-protocol/transmission"
import { ID_LENGTH, NO_CORR_ID, NO_ENTITY } from "@sluice/smp-protocol/types"
import type { ServerSession } from "@sluice/transport/session"
import fc from "fast-check"
import { bytes, type Damage, damage, id } from "../../packages/smp-protocol/test/arbitraries.ts"
import { messages } from "../../packages/smp-protocol/test/message-arbitraries.ts"

/** How a hostile server answers one command: with any message, about any entity, damaged or not. */
export interface HostileAnswer {
  /** One of each kind. */
  readonly messages: readonly BrokerMessage[]
  /** Answer with a kind of message that belongs to the command; else the one with this number. */
  readonly fitting: boolean
  readonly other: number
  /** Absent: the entity of the command. */
  readonly entityId: Uint8Array | undefined
  readonly damage: Damage | undefined
}

const seldom = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary })

export const hostileAnswer: fc.Arbitrary<HostileAnswer> = fc.record({
  messages: fc.tuple(...messages),
  fitting: fc.boolean(),
  other: fc.nat(messages.length - 1),
  entityId: seldom(id),
  damage: seldom(damage),
})

/** What honest servers answer with; everything that is not here is answered with OK. */
const FITTING: Readonly<Partial<Record<CommandTag, readonly BrokerMessageTag[]>>> = {
  NEW: ["IDS"],
  SUB: ["SOK"],
  NSUB: ["SOK"],
  GET: ["MSG"],
  ACK: ["MSG"],
  NKEY: ["NID"],
  QUE: ["INFO"],
  PING: ["PONG"],
  LGET: ["LNK"],
  LKEY: ["LNK"],
  RSLV: ["RNAME"],
  PRXY: ["PKEY"],
}

/** Answers that name no entity when they are honest. */
const WITHOUT_ENTITY: ReadonlySet<string> = new Set(["IDS", "PONG", "PKEY", "RNAME"])

function choose({ messages: all, fitting, other }: HostileAnswer, tag: CommandTag): BrokerMessage {
  const kinds: readonly string[] = FITTING[tag] ?? ["OK"]
  const found = fitting ? all.find((candidate) => kinds.includes(candidate.tag)) : all[other]
  return found ?? { tag: "OK" }
}

/** The content of a block with one answer. */
export function answerContent(session: ServerSession, to: ReceivedCommand, answer: HostileAnswer): Uint8Array {
  const chosen = choose(answer, to.command.tag)
  const entityId = WITHOUT_ENTITY.has(chosen.tag) ? NO_ENTITY : to.entityId
  return content(session, to.corrId, answer.entityId ?? entityId, chosen, answer.damage)
}

/** The content of a block with a message that nobody asked for. */
export function eventContent(session: ServerSession, answer: HostileAnswer): Uint8Array {
  const chosen = choose({ ...answer, fitting: false }, "PING")
  return content(session, NO_CORR_ID, answer.entityId ?? c.randomBytes(ID_LENGTH), chosen, answer.damage)
}

function content(
  session: ServerSession,
  corrId: Uint8Array,
  entityId: Uint8Array,
  sent: BrokerMessage,
  change: Damage | undefined,
): Uint8Array {
  const whole = encodeTransmission(session, { corrId, entityId, command: encoded(sent, session.version) })
  return singleContent(change?.(whole) ?? whole)
}

function encoded(sent: BrokerMessage, version: number): Uint8Array {
  try {
    return encodeBrokerMessage(sent, version)
  } catch (error) {
    // Some have no encoding in an older version; a server that sends nonsense instead is as good here.
    if (error instanceof EncodeError) return new TextEncoder().encode("NONSENSE")
    throw error
  }
}

/** Every method of a connection, to be called with honest arguments. */
export const calls: fc.Arbitrary<(connection: SmpConnection) => Promise<unknown>> = fc
  .tuple(id, id, bytes(100))
  .chain(([recipientId, senderId, body]) => {
    const keys = c.generateKeyPair("ed25519")
    const queue = { recipientId, recipientKey: keys.privateKey }
    const sender = { senderId, senderKey: keys.privateKey }
    const notifier = { notifierId: senderId, notifierKey: keys.privateKey }
    const data = { fixed: body, user: body }
    const relay: ServerAddress = { scheme: "smp", keyHash: c.randomBytes(32), hosts: ["relay.example"], port: "" }
    return fc.constantFrom<(connection: SmpConnection) => Promise<unknown>>(
      (to) => to.createQueue(),
      (to) => to.createQueue({ link: { data }, notifier: true }),
      (to) => to.createQueue({ mode: "contact", link: { data, linkId: c.randomBytes(ID_LENGTH) } }),
      (to) => to.subscribe(queue),
      (to) => to.subscribeMany([queue, { ...queue, recipientId: senderId }]),
      (to) => to.getMessage(queue),
      (to) => to.acknowledge(queue, body.subarray(0, ID_LENGTH)),
      (to) => to.secure(queue, keys.publicKey),
      (to) => to.setRecipientKeys(queue, [keys.publicKey]),
      (to) => to.setLink(queue, senderId, data),
      (to) => to.deleteLink(queue),
      (to) => to.enableNotifications(queue),
      (to) => to.disableNotifications(queue),
      (to) => to.suspendQueue(queue),
      (to) => to.deleteQueue(queue),
      (to) => to.queueInfo(queue),
      (to) => to.sendMessage(sender, body),
      (to) => to.secureAsSender(sender, keys),
      (to) => to.ping(),
      (to) => to.getLink(senderId),
      (to) => to.secureByLink(senderId, keys),
      (to) => to.resolveName("name.simplex"),
      (to) => to.subscribeNotifier(notifier),
      (to) => to.subscribeNotifiers([notifier]),
      (to) => to.openRelay(relay),
    )
  })
