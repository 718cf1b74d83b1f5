import { dhBoxKey } from "@sluice/crypto/box"
import type { X25519Key } from "@sluice/crypto/keys"
import { nativeCrypto as c } from "@sluice/crypto/native"
import { EMPTY } from "@sluice/encoding/bytes"
import { authorize } from "@sluice/smp-protocol/authorization"
import { batchContent, singleContent } from "@sluice/smp-protocol/batch"
import { decodeResponses } from "@sluice/smp-protocol/block"
import { encodeCommand } from "@sluice/smp-protocol/commands"
import type { BrokerMessage, MessageOf } from "@sluice/smp-protocol/messages"
import { openForwarded, sealForwarded } from "@sluice/smp-protocol/proxy-envelope"
import {
  authorizedBytes,
  encodeTransmission,
  forwardedParams,
  type TransmissionParams,
} from "@sluice/smp-protocol/transmission"
import type { CorrId, EntityId, SessionId } from "@sluice/smp-protocol/types"
import { certifiedKeyOf } from "@sluice/transport/client-handshake"
import { newCorrId, type RawClient } from "../support/raw-client.ts"
import type { TestRelay } from "../support/relay.ts"
import type { Sending } from "../support/sending.ts"
import { addressOf } from "./addresses.ts"

/** What came back for a `PFWD`: the relay's answer with its ids, as only the client can read it, or an error in clear. */
export type Answer =
  | { readonly sealed: true; readonly corrId: CorrId; readonly entityId: EntityId; readonly message: BrokerMessage }
  | { readonly sealed: false; readonly message: BrokerMessage }

/** How a request differs from one that is right. */
export interface Liberties {
  readonly sessionId?: SessionId
  /** Changes layer 1 after it was made. */
  readonly box?: (box: Uint8Array) => Uint8Array
  /** Makes the content of the block inside from its transmissions. */
  readonly content?: (transmissions: readonly Uint8Array[]) => Uint8Array
}

/** A session with a relay through a proxy, in which every byte of the two requests can be chosen. */
export class Forwarder {
  readonly pkey: MessageOf<"PKEY">
  readonly #client: RawClient
  readonly #key: X25519Key
  readonly #params: TransmissionParams
  readonly #version: number

  private constructor(client: RawClient, pkey: MessageOf<"PKEY">, key: X25519Key, version: number) {
    this.#client = client
    this.pkey = pkey
    this.#key = key
    this.#version = version
    this.#params = forwardedParams(version, pkey.sessionId)
  }

  static async open(client: RawClient, relay: TestRelay, version = 20): Promise<Forwarder> {
    const pkey = await client.ask({ tag: "PRXY", server: addressOf(relay) })
    if (pkey.tag !== "PKEY") throw new Error(`PRXY was answered with ${JSON.stringify(pkey)}`)
    const { certificates: chain, signedKey } = pkey
    const key = certifiedKeyOf(c, { chain, signedKey }, relay.relay.fingerprint, chain[0] ?? EMPTY)
    if (key === undefined) throw new Error("a session key that nobody vouches for")
    return new Forwarder(client, pkey, key, version)
  }

  /** Forwards commands in one block; how many a block may hold is for the relay to say. */
  async forward(sendings: readonly Sending[], { sessionId, box: changed, content }: Liberties = {}): Promise<Answer> {
    const corrId = newCorrId()
    const ephemeral = c.generateKeyPair("x25519")
    const layer1 = dhBoxKey(c, ephemeral.privateKey, this.#key)
    if (layer1 === undefined) throw new Error("the relay's key has low order")
    const transmissions = sendings.map((sending) => this.#transmission(corrId, sending))
    const block = content?.(transmissions) ?? blockOf(transmissions)
    const box = sealForwarded(c, layer1, corrId, "request", block)
    const message = await this.#client.ask(
      { tag: "PFWD", version: this.#version, key: ephemeral.publicKey, request: changed?.(box) ?? box },
      { entity: sessionId ?? this.pkey.sessionId, corrId },
    )
    if (message.tag !== "PRES") return { sealed: false, message }
    const opened = openForwarded(c, layer1, corrId, "response", message.response)
    if (opened === undefined) throw new Error("an answer that does not decrypt")
    const [answer, ...more] = decodeResponses(opened, this.#params)
    if (answer?.ok !== true || more.length > 0) throw new Error("an answer that can't be read")
    return { sealed: true, corrId: answer.corrId, entityId: answer.entityId, message: answer.message }
  }

  #transmission(corrId: CorrId, { command: given, entity = EMPTY, key, authorization }: Sending): Uint8Array {
    const { sessionId } = this.pkey
    const command = given instanceof Uint8Array ? given : encodeCommand(given, this.#version)
    const plain = authorizedBytes(sessionId, corrId, entity, command)
    return encodeTransmission(this.#params, {
      authorization: authorization ?? (key && authorize(c, key, plain, corrId, this.#key)),
      ...{ corrId, entityId: entity, command },
    })
  }
}

function blockOf(transmissions: readonly Uint8Array[]): Uint8Array {
  const [only, ...more] = transmissions
  if (only !== undefined && more.length === 0) return singleContent(only)
  const length = transmissions.reduce((sum, item) => sum + 2 + item.length, 1)
  return batchContent({ items: transmissions, length })
}
