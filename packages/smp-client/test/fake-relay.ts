import { dhBoxKey } from "@sluice/crypto/box"
import type { KeyPair } from "@sluice/crypto/keys"
import { nativeCrypto as c } from "@sluice/crypto/native"
import { signKey } from "@sluice/crypto/signed-object"
import type { Server } from "@sluice/encoding/server-address"
import type { VersionRange } from "@sluice/encoding/version"
import { singleContent } from "@sluice/smp-protocol/batch"
import { decodeBlock, type ReceivedCommand } from "@sluice/smp-protocol/block"
import type { BrokerMessage } from "@sluice/smp-protocol/messages"
import { openForwarded, sealForwarded } from "@sluice/smp-protocol/proxy-envelope"
import { encodeResponse, forwardedParams } from "@sluice/smp-protocol/transmission"
import type { Credentials } from "@sluice/transport/credentials"
import { replyTo } from "./fake-server.ts"

export interface FakeRelayOptions {
  readonly credentials: Credentials
  readonly versions?: VersionRange
  /** Answers what arrives inside. */
  readonly respond: (command: ReceivedCommand) => BrokerMessage
}

/** A relay as a proxy has it at hand: answers `PRXY` and `PFWD` for both of them. */
export class FakeRelay {
  readonly server: Server
  /** Commands that came through. */
  readonly received: ReceivedCommand[] = []
  /** Versions named by `PFWD`. */
  readonly versions: number[] = []
  sessionId: Uint8Array = c.randomBytes(32)
  sessionKey: KeyPair<"x25519"> = c.generateKeyPair("x25519")
  readonly #options: FakeRelayOptions

  constructor(options: FakeRelayOptions) {
    this.#options = options
    this.server = { hosts: ["relay.example"], port: "5223", keyHash: options.credentials.fingerprint }
  }

  /** Another connection between proxy and relay: the old session is gone. */
  reconnect(): void {
    this.sessionId = c.randomBytes(32)
    this.sessionKey = c.generateKeyPair("x25519")
  }

  /** What the proxy answers to a client. */
  answer(sent: ReceivedCommand): BrokerMessage {
    const { command } = sent
    if (command.tag === "PRXY") return this.#key()
    if (command.tag !== "PFWD") throw new Error(`a proxy got ${command.tag}`)
    if (Buffer.compare(sent.entityId, this.sessionId) !== 0) {
      return { tag: "ERR", error: { type: "PROXY", error: { type: "NO_SESSION" } } }
    }
    this.versions.push(command.version)
    const params = forwardedParams(command.version, this.sessionId)
    const key = dhBoxKey(c, this.sessionKey.privateKey, command.key)
    const content = key && openForwarded(c, key, sent.corrId, "request", command.request)
    const [inner] = content === undefined ? [] : decodeBlock(content, params)
    if (key === undefined || inner?.ok !== true) return { tag: "ERR", error: { type: "CRYPTO" } }
    this.received.push(inner)
    const { corrId, entityId, message } = replyTo(inner, this.#options.respond(inner))
    const response = singleContent(encodeResponse(params, corrId, entityId, message))
    return { tag: "PRES", response: sealForwarded(c, key, sent.corrId, "response", response) }
  }

  #key(): BrokerMessage {
    const { chain, leafKey } = this.#options.credentials
    return {
      tag: "PKEY",
      sessionId: this.sessionId,
      versions: this.#options.versions ?? { min: 8, max: 20 },
      certificates: chain,
      signedKey: signKey(c, leafKey, this.sessionKey.publicKey),
    }
  }
}
