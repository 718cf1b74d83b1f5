import type { BoxKey } from "@sluice/crypto/backend"
import { dhBoxKey } from "@sluice/crypto/box"
import type { X25519Key } from "@sluice/crypto/keys"
import { nativeCrypto as c } from "@sluice/crypto/native"
import { EMPTY } from "@sluice/encoding/bytes"
import { singleContent } from "@sluice/smp-protocol/batch"
import { decodeResponses } from "@sluice/smp-protocol/block"
import { encodeCommand } from "@sluice/smp-protocol/commands"
import type { BrokerMessage, MessageOf } from "@sluice/smp-protocol/messages"
import { openForwarded, openResponse, sealForwarded, sealRequest } from "@sluice/smp-protocol/proxy-envelope"
import { encodeTransmission, forwardedParams } from "@sluice/smp-protocol/transmission"
import { certifiedKeyOf } from "@sluice/transport/client-handshake"
import { newCorrId, type RawClient } from "./raw-client.ts"
import type { Sending } from "./sending.ts"

/** The relay behind a proxy, or the one that a proxy is connected to. */
export interface Destination {
  /** Of the connection between proxy and relay. */
  readonly sessionId: Uint8Array
  /** The relay's key of that connection. */
  readonly relayKey: X25519Key
  /** Version of the forwarded transmission. */
  readonly version: number
}

/** What a proxy said about a relay with this fingerprint. */
export function destinationOf(pkey: MessageOf<"PKEY">, keyHash: Uint8Array, version: number): Destination {
  const { sessionId, certificates: chain, signedKey } = pkey
  const relayKey = certifiedKeyOf(c, { chain, signedKey }, keyHash, chain[0] ?? EMPTY)
  if (relayKey === undefined) throw new Error("a relay's key that nobody vouches for")
  return { sessionId, relayKey, version }
}

/** One command inside the layer between client and relay (proxy.md §5). Unsigned. */
export class Envelope {
  readonly key: X25519Key
  readonly request: Uint8Array
  /** Of `PFWD`, and the nonce of this layer. */
  readonly corrId: Uint8Array = newCorrId()
  readonly #destination: Destination
  readonly #box: BoxKey

  constructor(destination: Destination, { command, entity = EMPTY }: Sending) {
    const pair = c.generateKeyPair("x25519")
    const box = dhBoxKey(c, pair.privateKey, destination.relayKey)
    if (box === undefined) throw new Error("a key of low order")
    const { version, sessionId } = destination
    const params = forwardedParams(version, sessionId)
    const bytes = command instanceof Uint8Array ? command : encodeCommand(command, version)
    const content = singleContent(encodeTransmission(params, { corrId: this.corrId, entityId: entity, command: bytes }))
    this.key = pair.publicKey
    this.request = sealForwarded(c, box, this.corrId, "request", content)
    this.#destination = destination
    this.#box = box
  }

  /** The relay's answer in this layer. */
  open(response: Uint8Array): BrokerMessage {
    const content = openForwarded(c, this.#box, this.corrId, "response", response)
    if (content === undefined) throw new Error("a response that does not decrypt")
    const { version, sessionId } = this.#destination
    const [answer] = decodeResponses(content, forwardedParams(version, sessionId))
    if (answer?.ok !== true) throw new Error("a response that can't be read")
    return answer.message
  }
}

/** `RFWD`, as a proxy would send it in this connection; the answer to what is inside. */
export async function forward(proxy: RawClient, sending: Sending): Promise<BrokerMessage> {
  const { sessionId, serverKey, sessionSecret } = proxy.session
  if (serverKey === undefined || sessionSecret === undefined) throw new Error("a connection without session secret")
  const envelope = new Envelope({ sessionId, relayKey: serverKey, version: proxy.version }, sending)
  const key = c.boxKey(sessionSecret)
  const corrId = newCorrId()
  const inner = { corrId: envelope.corrId, version: proxy.version, key: envelope.key, box: envelope.request }
  const answer = await proxy.ask({ tag: "RFWD", request: sealRequest(c, key, corrId, inner) }, { corrId })
  if (answer.tag !== "RRES") throw new Error(`RFWD was answered with ${JSON.stringify(answer)}`)
  const response = openResponse(c, key, corrId, answer.response)
  if (typeof response === "string") throw new Error(`a response that does not open: ${response}`)
  return envelope.open(response.box)
}
