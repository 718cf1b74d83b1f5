import { dhBoxKey } from "@sluice/crypto/box"
import { type Algorithm, encodePublicKey, type PrivateKey } from "@sluice/crypto/keys"
import { portableCrypto as c } from "@sluice/crypto/portable"
import { toHex, utf8 } from "@sluice/encoding/bytes"
import { singleContent } from "../src/batch.ts"
import { decodeBlock } from "../src/block.ts"
import { encodeClientMessage, MESSAGE_PADDED, sealClientMessage } from "../src/client-message.ts"
import { type Command, encodeCommand } from "../src/commands.ts"
import { type BrokerMessage, encodeBrokerMessage } from "../src/messages.ts"
import { encodeOutgoing } from "../src/outgoing.ts"
import { sealForwarded, sealRequest, sealResponse } from "../src/proxy-envelope.ts"
import { encodeResponse, encodeTransmission, forwardedParams, transmissionParams } from "../src/transmission.ts"
import { fixed, fixedKey, keyVector } from "./own-inputs.ts"
import { outputOf } from "./vector-values.ts"

/** The arrays of boxes around other boxes and messages. */
export function envelopeVectors(): Record<string, unknown> {
  return {
    proxyCases: [proxyCase(8, "ed25519", SEND), proxyCase(17, "x25519", SEND), proxyCase(20, undefined, RESOLVE)],
    clientMessages: [clientMessage()],
  }
}

const NOT_FOUND: BrokerMessage = { tag: "ERR", error: { type: "NAME", error: { type: "NOT_FOUND" } } }
const RESOLVE: Command = { tag: "RSLV", name: "alice.simplex" }
const SEND: Command = { tag: "SEND", flags: { notification: true }, body: utf8("hello") }
const sessionId = fixed("session", 32)
const corrId = fixed("corr", 24)
const entityId = fixed("entity", 24)
const serverKey = fixedKey("x25519", "server session")
const serverPublic = c.publicKeyOf(serverKey)

/** The X25519 secret of two private keys. */
export function secretOf(own: PrivateKey<"x25519">, peer: PrivateKey<"x25519">): Uint8Array {
  return c.diffieHellman(own, c.publicKeyOf(peer))
}

function proxyCase(version: number, algorithm: Algorithm | undefined, command: Command): object {
  const params = forwardedParams(version, sessionId)
  const proxyKey = fixedKey("x25519", "proxy")
  const ephemeral = fixedKey("x25519", "ephemeral")
  const layer1 = dhBoxKey(c, ephemeral, serverPublic)
  const layer2 = dhBoxKey(c, proxyKey, serverPublic)
  if (layer1 === undefined || layer2 === undefined) throw new Error("no secret")
  const entity = command.tag === "RSLV" ? new Uint8Array(0) : entityId
  const key = algorithm === undefined ? undefined : fixedKey(algorithm as "ed25519", "queue")
  const outgoing = { corrId, entityId: entity, command, key }
  const content = singleContent(encodeOutgoing({ crypto: c, serverKey: serverPublic }, params, outgoing))
  const [inside] = decodeBlock(content, params)
  if (inside?.ok !== true) throw new Error("not accepted")

  const hopCorrId = fixed("proxy corr", 24)
  const clientKey = c.publicKeyOf(ephemeral)
  const box = sealForwarded(c, layer1, corrId, "request", content)
  const pfwd = encodeCommand({ tag: "PFWD", version, key: clientKey, request: box }, 20)
  const hop = sealRequest(c, layer2, hopCorrId, { corrId, version, key: clientKey, box })
  const rfwd = encodeCommand({ tag: "RFWD", request: hop }, 20)
  const hopParams = transmissionParams(20, sessionId)
  const message: BrokerMessage = command.tag === "RSLV" ? NOT_FOUND : { tag: "OK" }
  const answer = singleContent(encodeResponse(params, corrId, entity, message))
  const answerBox = sealForwarded(c, layer1, corrId, "response", answer)
  const answerHop = sealResponse(c, layer2, hopCorrId, { corrId, box: answerBox })
  const contentOf = (id: Uint8Array, to: Uint8Array, bytes: Uint8Array): object | string =>
    outputOf(singleContent(encodeTransmission(hopParams, { corrId: id, entityId: to, command: bytes })))
  return {
    name: `v${version} ${command.tag} ${algorithm ?? "unsigned"}`,
    version,
    relaySessionId: toHex(sessionId),
    relaySessionKey: keyVector("x25519", "server session"),
    proxyKey: keyVector("x25519", "proxy"),
    ephemeralKey: keyVector("x25519", "ephemeral"),
    queueKey: algorithm === undefined ? null : keyVector(algorithm, "queue"),
    corrId: toHex(corrId),
    proxyCorrId: toHex(hopCorrId),
    entityId: toHex(entity),
    command: toHex(encodeCommand(command, version)),
    layer1Secret: toHex(secretOf(ephemeral, serverKey)),
    layer2Secret: toHex(secretOf(proxyKey, serverKey)),
    authorized: toHex(inside.signed.bytes()),
    authorization: toHex(inside.authorization),
    inner: toHex(content),
    innerLength: content.length,
    box1: outputOf(box),
    pfwdCommand: outputOf(pfwd),
    pfwdContent: contentOf(corrId, sessionId, pfwd),
    box2: outputOf(hop),
    rfwdCommand: outputOf(rfwd),
    rfwdContent: contentOf(hopCorrId, new Uint8Array(0), rfwd),
    response: toHex(encodeBrokerMessage(message, version)),
    responseInner: toHex(answer),
    box1Response: outputOf(answerBox),
    box2Response: outputOf(answerHop),
    rresCommand: outputOf(encodeBrokerMessage({ tag: "RRES", response: answerHop }, 20)),
    presCommand: outputOf(encodeBrokerMessage({ tag: "PRES", response: answerBox }, 20)),
  }
}

function clientMessage(): object {
  const secret = secretOf(fixedKey("x25519", "sender dh"), fixedKey("x25519", "recipient dh"))
  const message = { senderKey: c.publicKeyOf(fixedKey("ed25519", "sender")), body: fixed("body", 50) }
  const envelope = { version: 4, nonce: fixed("nonce", 24) }
  const sealed = sealClientMessage(c, c.boxKey(secret), envelope, message, MESSAGE_PADDED)
  const plain = encodeClientMessage(message)
  return {
    name: "message with sender key",
    recipientKey: keyVector("x25519", "recipient dh"),
    senderKey: keyVector("x25519", "sender dh"),
    secret: toHex(secret),
    clientVersion: envelope.version,
    nonce: toHex(envelope.nonce),
    privHeader: `4b2c${toHex(encodePublicKey(message.senderKey))}`,
    body: toHex(plain.subarray(plain.length - message.body.length)),
    paddedLength: MESSAGE_PADDED,
    envelope: outputOf(sealed),
    envelopeLength: sealed.length,
  }
}
