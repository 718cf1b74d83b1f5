import type { KeyPair } from "@sluice/crypto/keys"
import { nativeCrypto as c } from "@sluice/crypto/native"
import { batchContent } from "@sluice/smp-protocol/batch"
import { type Command, encodeCommand, specOf } from "@sluice/smp-protocol/commands"
import { encodeOutgoingBytes } from "@sluice/smp-protocol/outgoing"
import { ID_LENGTH, NO_ENTITY } from "@sluice/smp-protocol/types"
import type { ClientSession } from "@sluice/transport/session"
import fc from "fast-check"
import { command, type Damage, damage } from "../../packages/smp-protocol/test/arbitraries.ts"
import type { HostileSession, OwnQueue } from "./hostile-session.ts"

/** A command of some kind, to some entity, by some key, damaged in some way; made into bytes for one session. */
export interface HostileCommand {
  readonly command: Command
  /** Which of the queues of the session it is about. */
  readonly queue: number
  /** `fitting`: what an honest client would name. */
  readonly entity: "fitting" | "other" | "random" | "none"
  /** `fitting`: what an honest client would authorize it with. */
  readonly signer: "fitting" | "stranger" | "ed448" | "x25519" | "none"
  /** Before it is signed: what arrives is authorized nonsense. */
  readonly before: Damage | undefined
  /** Afterwards. */
  readonly after: Damage | undefined
}

/** Some commands for one block, and some damage to its framing. */
export interface HostileBlock {
  readonly commands: readonly HostileCommand[]
  readonly framing: Damage | undefined
}

/** Queues of its own that a hostile client has in a session. */
export const OWN_QUEUES = 4

/** Mostly the first, so that most commands get as far as one of them lets them. */
const mostly = <T>(usual: T, ...others: readonly T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 6, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...others) })

const seldom = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary })

const hostileCommand: fc.Arbitrary<HostileCommand> = fc
  .record({
    // An empty message id acknowledges whatever was delivered.
    command: fc.oneof({ weight: 9, arbitrary: command }, fc.constant({ tag: "ACK" as const, msgId: new Uint8Array() })),
    queue: fc.nat(OWN_QUEUES - 1),
    entity: mostly<HostileCommand["entity"]>("fitting", "other", "random", "none"),
    signer: mostly<HostileCommand["signer"]>("fitting", "stranger", "ed448", "x25519", "none"),
    before: seldom(damage),
    after: seldom(damage),
  })
  .map(harmless)

/** A request to a proxy must not lead to any other machine, so it stays whole and names a port where nobody is. */
function harmless(hostile: HostileCommand): HostileCommand {
  if (hostile.command.tag !== "PRXY") return hostile
  const server = { ...hostile.command.server, hosts: ["127.0.0.1"], port: "1" }
  return { ...hostile, command: { ...hostile.command, server }, before: undefined, after: undefined }
}

/** One to six commands, damaged or not. */
export const hostileBlock: fc.Arbitrary<HostileBlock> = fc
  .record({ commands: fc.array(hostileCommand, { minLength: 1, maxLength: 6 }), framing: seldom(damage) })
  .map(({ commands, framing }) => {
    const whole = commands.some((hostile) => hostile.command.tag === "PRXY")
    return { commands, framing: whole ? undefined : framing }
  })

const STRANGERS = {
  stranger: c.generateKeyPair("ed25519"),
  ed448: c.generateKeyPair("ed448"),
  x25519: c.generateKeyPair("x25519"),
} as const

/** The content of a block in a session with these queues; at most what a block can hold. */
export function contentOf(session: HostileSession, queues: readonly OwnQueue[], block: HostileBlock): Uint8Array {
  const items = block.commands.map((hostile) => transmissionOf(session, queues, hostile))
  const length = items.reduce((sum, item) => sum + 2 + item.length, 1)
  const content = batchContent({ items, length })
  return (block.framing?.(content) ?? content).subarray(0, session.session.blockCodec.maxContent)
}

function transmissionOf(
  { signer, session }: HostileSession,
  queues: readonly OwnQueue[],
  hostile: HostileCommand,
): Uint8Array {
  const { command: sent, before, after } = hostile
  const queue = queues[hostile.queue]
  if (queue === undefined) throw new Error("a session has more queues")
  const bytes = encodeCommand(withOwnKey(sent, queue, hostile), session.version)
  const transmission = encodeOutgoingBytes(signer, session, {
    corrId: c.randomBytes(ID_LENGTH),
    entityId: entityOf(session, queue, hostile),
    tag: sent.tag,
    command: before?.(bytes) ?? bytes,
    key: keyOf(session, queue, hostile)?.privateKey,
  })
  return after?.(transmission) ?? transmission
}

/** Commands that bring the key which authorizes them bring one that can. */
function withOwnKey(sent: Command, { keys: { publicKey } }: OwnQueue, { signer }: HostileCommand): Command {
  if (signer !== "fitting") return sent
  if (sent.tag === "NEW") return { ...sent, recipientKey: publicKey }
  return sent.tag === "SKEY" || sent.tag === "LKEY" ? { ...sent, senderKey: publicKey } : sent
}

function entityOf(session: ClientSession, queue: OwnQueue, { command: { tag }, entity }: HostileCommand): Uint8Array {
  if (entity === "random") return c.randomBytes(ID_LENGTH)
  const { party, credentials } = specOf(tag)
  if (entity === "none" || credentials === "none" || credentials === "creator") return NO_ENTITY
  const ofService = party === "recipient-service" || party === "notifier-service"
  if (ofService && entity === "fitting" && session.service !== undefined) return session.service.serviceId
  return (party === "sender") === (entity === "fitting") ? queue.senderId : queue.recipientId
}

type AuthKeys = KeyPair<"ed25519"> | KeyPair<"ed448"> | KeyPair<"x25519">

function keyOf(
  session: ClientSession,
  queue: OwnQueue,
  { command: sent, signer }: HostileCommand,
): AuthKeys | undefined {
  // Without ALPN the server gives no key that X25519 authorizations need.
  if (signer === "none" || (signer === "x25519" && session.serverKey === undefined)) return undefined
  if (signer !== "fitting") return STRANGERS[signer]
  const { credentials } = specOf(sent.tag)
  return credentials === "creator" || credentials === "entity" ? queue.keys : undefined
}
