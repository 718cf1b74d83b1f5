import { setImmediate } from "node:timers/promises"
import type { CryptoBackend } from "@sluice/crypto/backend"
import { type PrivateKey, type PublicKey, publicKeyToString } from "@sluice/crypto/keys"
import { nativeCrypto } from "@sluice/crypto/native"
import { EMPTY, utf8 } from "@sluice/encoding/bytes"
import { ManualClock } from "@sluice/ops/manual-clock"
import { type RecordingLog, recordingLog } from "@sluice/ops/recording-log"
import { createMemoryStore } from "@sluice/queue-store/memory/memory-store"
import type { QueueStore } from "@sluice/queue-store/queue-store"
import { send } from "@sluice/relay/commands/messages"
import type { RelayContext } from "@sluice/relay/context"
import { expireMessages } from "@sluice/relay/expiry"
import type { NetworkCommands } from "@sluice/relay/network-commands"
import { createRelayCore } from "@sluice/relay/relay-core"
import { serviceLookup } from "@sluice/relay/service-lookup"
import { RelaySession } from "@sluice/relay/session"
import { DEFAULT_POLICY, type RelayPolicy } from "@sluice/relay/settings"
import type { Reply } from "@sluice/server-kit/protocol"
import { type SmpSession, smpProtocol } from "@sluice/server-kit/smp"
import { packBatches } from "@sluice/smp-protocol/batch"
import type { ReceivedCommand } from "@sluice/smp-protocol/block"
import { type CorrId, ID_LENGTH } from "@sluice/smp-protocol/types"
import type { Credentials } from "@sluice/transport/credentials"
import { acceptClientHello, type ServiceLookup } from "@sluice/transport/server-handshake"
import { type ServerSession, sessionParams } from "@sluice/transport/session"
import type { TraceConnection } from "./trace-files.ts"
import type { Choices, ScriptedCommand } from "./trace-script.ts"

/** A crypto back end whose randomness can be told what to choose next. */
export class ScriptedCrypto {
  readonly backend: CryptoBackend
  readonly #ids: Uint8Array[] = []
  readonly #keys: PublicKey<"x25519">[] = []
  readonly #privateKeys = new Map<string, PrivateKey<"x25519">>()

  constructor() {
    this.backend = {
      ...nativeCrypto,
      randomBytes: (length) =>
        (length === ID_LENGTH ? this.#ids.shift()?.slice() : undefined) ?? nativeCrypto.randomBytes(length),
      generateKeyPair: (algorithm) => {
        const pair = nativeCrypto.generateKeyPair(algorithm)
        const scripted = algorithm === "x25519" ? this.#keys.shift() : undefined
        if (scripted === undefined) return pair
        this.#privateKeys.set(publicKeyToString(scripted), pair.privateKey as PrivateKey<"x25519">)
        return { ...pair, publicKey: scripted as typeof pair.publicKey }
      },
    }
  }

  choose({ keys, ids }: Choices): void {
    this.#keys.push(...keys)
    this.#ids.push(...ids)
  }

  /** Choices that nobody asked for. */
  get unused(): number {
    return this.#keys.length + this.#ids.length
  }

  /** The secret that the relay has with a peer since it gave out a scripted key, 32 bytes. */
  secret(own: PublicKey<"x25519">, peer: PublicKey<"x25519">): Uint8Array {
    const privateKey = this.#privateKeys.get(publicKeyToString(own))
    if (privateKey === undefined) throw new Error("the relay did not make this key")
    return nativeCrypto.diffieHellman(privateKey, peer)
  }
}

/** What stands in for a message that came through a proxy, which no recording shows. */
export const FORWARDED_BODY: Uint8Array = utf8("came through a proxy")

/**
 * The relay's own code from the content of a received block to the contents of the blocks that it sends, on a memory
 * store and a clock that stands still. Only TLS, block encryption and the queues of the session loop are left out.
 */
export class SimulatedRelay {
  readonly crypto: ScriptedCrypto = new ScriptedCrypto()
  readonly clock: ManualClock = new ManualClock()
  readonly log: RecordingLog = recordingLog()
  readonly #policy: RelayPolicy
  readonly #script: (corrId: CorrId) => ScriptedCommand
  readonly #durable: QueueStore = createMemoryStore()
  #core: RelayContext

  /** `script` gives what is known about a proxied command. */
  constructor(policy: Partial<RelayPolicy>, script: (corrId: CorrId) => ScriptedCommand) {
    this.#policy = { ...DEFAULT_POLICY, ...REFERENCE_TEST_POLICY, ...policy }
    this.#script = script
    this.#core = this.#newCore(this.#durable)
  }

  /** Opens a connection as a recorded handshake left it. */
  async connect(connection: TraceConnection): Promise<SimulatedConnection> {
    const lookUp = serviceLookup(this.#core.store, this.crypto.backend, this.clock)
    return new SimulatedConnection(this.#core, await sessionOf(connection, lookUp))
  }

  /** Starts again, with everything that was stored or with nothing. */
  restart(storage: "kept" | "none"): void {
    this.#core.events.stop()
    this.#core.notifications.stop()
    this.#core = this.#newCore(storage === "kept" ? this.#durable : createMemoryStore())
  }

  async pass(seconds: number): Promise<void> {
    await this.clock.advanceAsync(seconds * 1000)
    await setImmediate()
  }

  async expire(): Promise<void> {
    await expireMessages(this.#core, new AbortController().signal)
  }

  #newCore(store: QueueStore): RelayContext {
    return createRelayCore({
      policy: this.#policy,
      store,
      crypto: this.crypto.backend,
      clock: this.clock,
      log: this.log,
      node: "trace",
      network: (relay) => this.#network(relay),
    })
  }

  /** Answers as recorded. What came inside is not known; a message among it is stored without its authorization. */
  #network(relay: RelayContext): NetworkCommands {
    return {
      run: async (_client, { corrId }) => {
        const { received, answer, forwarded } = this.#script(corrId)
        if (answer === undefined) throw new Error("a proxied command without a recorded answer")
        if (forwarded !== undefined && received.command.tag === "PFWD") {
          const queue = await relay.store.queueByRecipient(forwarded.recipientId)
          if (queue === undefined) throw new Error("a forwarded message for a queue that nobody made")
          this.crypto.choose({ keys: [], ids: [forwarded.messageId] })
          const command = { tag: "SEND" as const, flags: { notification: false }, body: FORWARDED_BODY }
          await send(relay, { corrId, entityId: queue.senderId, command, queue }, received.command.version)
        }
        return { message: answer, ...(answer.tag === "PKEY" && { withoutEntity: true }) }
      },
    }
  }
}

/** The reference's tests run its server with these (smp.md §10). */
const REFERENCE_TEST_POLICY = {
  versions: { min: 6, max: 18 },
  messageQuota: 4,
  endInterval: 0.5,
  notificationInterval: 0.2,
  expireOnSend: false,
  expireOnStart: false,
} as const satisfies Partial<RelayPolicy>

const protocol = smpProtocol({ crypto: nativeCrypto })

/** A connection without a network: blocks in by `receive`, blocks out in `sent`. */
export class SimulatedConnection implements SmpSession {
  readonly params: ServerSession
  open = true
  readonly congested = false
  /** Transmissions of every block that was sent and not taken yet. */
  readonly sent: Uint8Array[][] = []
  readonly #handler: RelaySession

  constructor(core: RelayContext, params: ServerSession) {
    this.params = params
    this.#handler = new RelaySession(core, this)
  }

  /** What the session loop does with the content of a block. */
  async receive(content: Uint8Array): Promise<void> {
    // A copy: the relay may overwrite what it receives.
    const { commands, errors } = protocol.decode(content.slice(), this.params)
    this.push(errors)
    if (commands.length > 0) {
      this.push(await this.#handler.handle(commands))
      this.#handler.answered()
    }
    await setImmediate()
  }

  push(batch: readonly Reply[]): boolean {
    if (!this.open) return false
    for (const packed of packBatches(batch)) {
      if (!packed.fits) throw new RangeError("a transmission that no block can hold")
      this.sent.push(packed.items.map(bytesOf))
    }
    return true
  }

  answerLater(_command: ReceivedCommand, work: Promise<Reply>): void {
    work.then((reply) => this.push([reply]))
  }

  turn(): Promise<void> {
    return Promise.resolve()
  }

  close(): void {
    if (!this.open) return
    this.open = false
    this.#handler.closed()
  }
}

function bytesOf(reply: Reply): Uint8Array {
  if (reply instanceof Uint8Array) return reply
  const bytes = new Uint8Array(reply.length)
  reply.writeTo(bytes)
  return bytes
}

/** The server's side of a recorded handshake; its session key is not known, the secret that was made with it is. */
async function sessionOf(connection: TraceConnection, lookUp: ServiceLookup): Promise<ServerSession> {
  const { serverHello, clientHello, sessionId } = connection
  const [hello] = connection.blocks.filter(({ kind }) => kind === "client-hello")
  const verdict = acceptClientHello(
    hello?.content ?? EMPTY,
    {
      crypto: nativeCrypto,
      // All that a server looks at in its own credentials; those of the reference's are not ours.
      credentials: { fingerprint: clientHello.keyHash } as Credentials,
      sessionId,
      range: serverHello.range,
      // The chain of the TLS connection was not recorded; a server only compares it with that of the hello.
      clientChain: clientHello.service?.chain ?? [],
    },
    undefined,
  )
  if (verdict.outcome !== "accept") throw new Error(`our server refuses the recorded hello: ${verdict.error}`)
  const agreed = { ...verdict.agreed, sessionSecret: connection.secret }
  const params = {
    ...sessionParams(nativeCrypto, "server", agreed),
    sessionKey: undefined,
    clientKey: verdict.clientKey,
  }
  const { service } = verdict
  if (service === undefined) return { ...params, service: undefined }
  const serviceId = await lookUp(service)
  if (serviceId === undefined) throw new Error("our server refuses the recorded service")
  const { role, fingerprint, sessionKey } = service
  return { ...params, service: { role, fingerprint, sessionKey, serviceId } }
}
