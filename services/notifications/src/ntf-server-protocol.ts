import type { CryptoBackend } from "@sluice/crypto/backend"
import type { KeyPair } from "@sluice/crypto/keys"
import { EMPTY } from "@sluice/encoding/bytes"
import type { VersionRange } from "@sluice/encoding/version"
import {
  decodeNtfBlock,
  encodeNtfReply,
  ntfParams,
  type ReceivedNtfCommand,
  type RejectedNtf,
} from "@sluice/ntf-protocol/block"
import { isUsableToken } from "@sluice/ntf-protocol/device-token"
import { judgeNtfClientHello, ntfServerHello } from "@sluice/ntf-protocol/hello"
import { isBatched, NTF_ALPN, NTF_BLOCK_SIZE, NTF_LEGACY_RANGE } from "@sluice/ntf-protocol/versions"
import type { BlockProtocol, BlockSession, DecodedBlock, Link, Reply } from "@sluice/server-kit/protocol"
import type { Session, SessionFactory } from "@sluice/server-kit/session-handler"
import type { TransmissionParams } from "@sluice/smp-protocol/transmission"
import { plainBlocks } from "@sluice/transport/block-codec"
import type { BlockStream } from "@sluice/transport/block-stream"
import { protocolError } from "@sluice/transport/errors"
import { HandshakeExchange } from "@sluice/transport/handshake-exchange"

/** What both sides know about a connection after the handshake. */
export interface NtfSessionParams extends TransmissionParams, BlockSession {
  readonly batching: boolean
  /** The pair whose public half was in the hello; its private half opens X25519 authenticators. */
  readonly sessionKey: KeyPair<"x25519">
}

export type NtfSession = Session<NtfSessionParams, ReceivedNtfCommand>
export type NtfSessionFactory = SessionFactory<NtfSessionParams, ReceivedNtfCommand>

export interface NtfProtocolOptions {
  readonly crypto: CryptoBackend
  /** Versions to announce to clients with ALPN `ntf/1`; others are offered version 1 alone. */
  readonly range: VersionRange
}

/** The protocol in the way that servers of blocks want it: blocks of 512 bytes (notifications.md §2). */
export function ntfServerProtocol(options: NtfProtocolOptions): BlockProtocol<NtfSessionParams, ReceivedNtfCommand> {
  return {
    blockSize: NTF_BLOCK_SIZE,
    // The reference lists the others, too, and serves the same on them.
    alpn: [NTF_ALPN, "h2", "http/1.1"],
    handshake: (stream, link) => handshake(stream, link, options),
    decode,
    failure: ({ corrId, entityId }, params) =>
      encodeNtfReply(params, corrId, entityId, { tag: "ERR", error: { type: "INTERNAL" } }),
  }
}

async function handshake(
  stream: BlockStream,
  { credentials, tls, timeoutMs }: Link,
  { crypto, range: full }: NtfProtocolOptions,
): Promise<NtfSessionParams> {
  const exchange = new HandshakeExchange(stream, { timeoutMs })
  try {
    const range = tls.alpn === NTF_ALPN ? full : NTF_LEGACY_RANGE
    const { sessionId } = tls
    const sessionKey = crypto.generateKeyPair("x25519")
    exchange.send(ntfServerHello(crypto, credentials.leafKey, { range, sessionId }, sessionKey))
    const judged = judgeNtfClientHello(await exchange.receive(), credentials.fingerprint, range)
    if (!judged.ok) throw protocolError(judged.error)
    const params = ntfParams(judged.value, sessionId)
    return { ...params, batching: isBatched(judged.value), blockCodec: plainBlocks(NTF_BLOCK_SIZE), sessionKey }
  } catch (error) {
    exchange.abandon()
    throw error
  } finally {
    exchange.release()
  }
}

function decode(content: Uint8Array | undefined, params: NtfSessionParams): DecodedBlock<ReceivedNtfCommand> {
  // A block without content is a bad block, which is what a lost one is to be answered like.
  const parsed = content === undefined ? [BAD_BLOCK] : decodeNtfBlock(content, params)
  const commands: ReceivedNtfCommand[] = []
  const errors: Reply[] = []
  for (const item of parsed.map(withUsableToken)) {
    if (item.ok) commands.push(item)
    else errors.push(encodeNtfReply(params, item.corrId, item.entityId, { tag: "ERR", error: item.error }))
  }
  return { commands, errors }
}

const BAD_BLOCK: RejectedNtf = { ok: false, corrId: EMPTY, entityId: EMPTY, error: { type: "BLOCK" } }

/** A token that cannot be one of its push service is a mistake of syntax, before anything else is looked at. */
function withUsableToken(item: ReceivedNtfCommand | RejectedNtf): ReceivedNtfCommand | RejectedNtf {
  if (!item.ok || !("token" in item.command) || isUsableToken(item.command.token)) return item
  const { corrId, entityId } = item
  return { ok: false, corrId, entityId, error: { type: "CMD", error: "SYNTAX" } }
}
