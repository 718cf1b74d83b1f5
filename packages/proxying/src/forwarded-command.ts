import type { BoxKey, CryptoBackend } from "@sluice/crypto/backend"
import { dhBoxKey } from "@sluice/crypto/box"
import type { PrivateKey } from "@sluice/crypto/keys"
import { EncodeError } from "@sluice/encoding/errors"
import type { Version } from "@sluice/encoding/version"
import { singleContent } from "@sluice/smp-protocol/batch"
import { decodeBlock, type ParsedTransmission, type ReceivedCommand } from "@sluice/smp-protocol/block"
import type { CommandTag } from "@sluice/smp-protocol/commands"
import { type Extensions, NO_EXTENSIONS } from "@sluice/smp-protocol/commands/extensions"
import { commandError, type SmpError } from "@sluice/smp-protocol/errors"
import type { BrokerMessage } from "@sluice/smp-protocol/messages"
import { openForwarded, openRequest, sealForwarded, sealResponse } from "@sluice/smp-protocol/proxy-envelope"
import { encodeResponse, forwardedParams, type TransmissionParams } from "@sluice/smp-protocol/transmission"
import type { CorrId, SessionId } from "@sluice/smp-protocol/types"
import { NO_KEY } from "./proxy-error.ts"

/** What a relay knows of the connection that a proxy forwards over. */
export interface HopSession {
  readonly sessionId: SessionId
  /** Private half of the session key of the hello; absent in connections below v7. */
  readonly sessionKey: PrivateKey<"x25519"> | undefined
  /** Raw X25519 secret of both session keys, 32 bytes; absent if the proxy gave no key. */
  readonly sessionSecret: Uint8Array | undefined
}

/** An `RFWD` as it came. */
export interface ForwardRequest {
  /** Nonce of layer 2. */
  readonly corrId: CorrId
  /** The box of layer 2. */
  readonly request: Uint8Array
}

/** Senders' commands, which may be forwarded (proxy.md §6), and what reads a blob where relays have them. */
const ALLOWED: ReadonlySet<CommandTag> = new Set<CommandTag>(["SEND", "SKEY", "LKEY", "LGET", "RSLV", "READ"])

/** What is inside: a command to be run, or one that has its answer already. Both are answered by `seal`. */
export type Inside =
  | { readonly run: true; readonly received: ReceivedCommand }
  | { readonly run: false; readonly error: SmpError }

const CRYPTO: SmpError = { type: "CRYPTO" }
const BLOCK: SmpError = { type: "BLOCK" }
const SYNTAX: SmpError = commandError("SYNTAX")

/**
 * An `RFWD` with both layers open. What went wrong before that is told to the proxy in clear; everything after it goes
 * back inside, so that the proxy learns nothing (proxy.md §6).
 */
export class ForwardedCommand {
  /** Version that the client named; decides the form of command and answer. */
  readonly version: Version
  readonly inside: Inside
  readonly #crypto: CryptoBackend
  readonly #params: TransmissionParams
  readonly #parsed: ParsedTransmission
  readonly #layer1: { readonly key: BoxKey; readonly corrId: CorrId }
  readonly #layer2: { readonly key: BoxKey; readonly corrId: CorrId }

  private constructor(
    crypto: CryptoBackend,
    params: TransmissionParams,
    parsed: ParsedTransmission,
    layer1: { readonly key: BoxKey; readonly corrId: CorrId },
    layer2: { readonly key: BoxKey; readonly corrId: CorrId },
  ) {
    this.version = params.version
    this.inside = insideOf(parsed)
    this.#crypto = crypto
    this.#params = params
    this.#parsed = parsed
    this.#layer1 = layer1
    this.#layer2 = layer2
  }

  /** Opens both layers. An error is to be answered in clear: CRYPTO, CMD SYNTAX, BLOCK or BROKER TRANSPORT NO_AUTH. */
  static open(
    c: CryptoBackend,
    { sessionId, sessionKey, sessionSecret }: HopSession,
    { corrId, request }: ForwardRequest,
    extensions: Extensions = NO_EXTENSIONS,
  ): ForwardedCommand | SmpError {
    if (sessionKey === undefined || sessionSecret === undefined) return NO_KEY
    const hop = { key: c.boxKey(sessionSecret), corrId }
    const forwarded = openRequest(c, hop.key, corrId, request)
    if (forwarded === "CRYPTO") return CRYPTO
    if (forwarded === "SYNTAX") return SYNTAX
    const key = dhBoxKey(c, sessionKey, forwarded.key)
    const content = key && openForwarded(c, key, forwarded.corrId, "request", forwarded.box)
    if (key === undefined || content === undefined) return CRYPTO
    const params = forwardedParams(forwarded.version, sessionId)
    const [parsed, ...more] = decodeBlock(content, params, { mayOverwrite: true, extensions })
    if (parsed === undefined || more.length > 0) return BLOCK
    return new ForwardedCommand(c, params, parsed, { key, corrId: forwarded.corrId }, hop)
  }

  /** The answer to the proxy: `RRES` with the relay's answer to the client, or `ERR BLOCK` for one that does not fit. */
  seal(answer: BrokerMessage): BrokerMessage {
    const c = this.#crypto
    const { corrId, entityId } = this.#parsed
    const { corrId: outer } = this.#layer1
    try {
      const content = singleContent(encodeResponse(this.#params, corrId, entityId, answer))
      const box = sealForwarded(c, this.#layer1.key, outer, "response", content)
      return { tag: "RRES", response: sealResponse(c, this.#layer2.key, this.#layer2.corrId, { corrId: outer, box }) }
    } catch (error) {
      if (error instanceof EncodeError) return { tag: "ERR", error: BLOCK }
      throw error
    }
  }
}

function insideOf(parsed: ParsedTransmission): Inside {
  if (!parsed.ok) return { run: false, error: parsed.error }
  if (!ALLOWED.has(parsed.command.tag)) return { run: false, error: commandError("PROHIBITED") }
  return { run: true, received: parsed }
}
