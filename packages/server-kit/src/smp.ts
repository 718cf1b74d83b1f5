import type { CryptoBackend } from "@sluice/crypto/backend"
import { EMPTY } from "@sluice/encoding/bytes"
import type { VersionRange } from "@sluice/encoding/version"
import { BLOCK_SIZE } from "@sluice/smp-protocol/batch"
import { decodeBlock, type ReceivedCommand } from "@sluice/smp-protocol/block"
import type { Extensions } from "@sluice/smp-protocol/commands/extensions"
import { encodeResponse } from "@sluice/smp-protocol/transmission"
import { SERVER_RANGE } from "@sluice/smp-protocol/versions"
import { announcedRange } from "@sluice/transport/negotiation"
import { type ServiceLookup, serverHandshake } from "@sluice/transport/server-handshake"
import type { ServerSession } from "@sluice/transport/session"
import type { BlockProtocol, DecodedBlock, Reply } from "./protocol.ts"
import type { Session, SessionFactory } from "./session-handler.ts"

/** A session of the SMP relay or proxy. */
export type SmpSession = Session<ServerSession, ReceivedCommand>
export type SmpSessionFactory = SessionFactory<ServerSession, ReceivedCommand>

/** What SMP needs besides the kit. */
export interface SmpProtocolOptions {
  readonly crypto: CryptoBackend
  /** Versions to announce to clients with ALPN; default all that the protocol package knows. */
  readonly range?: VersionRange
  /** Finds or makes the record of a service; without it, services are refused. */
  readonly lookUpService?: ServiceLookup | undefined
  /** Commands beside the protocol's own; default none. */
  readonly extensions?: Extensions | undefined
}

/** SMP over blocks of 16384 bytes (transport.md §3, §5). */
export function smpProtocol(options: SmpProtocolOptions): BlockProtocol<ServerSession, ReceivedCommand> {
  const { crypto, range = SERVER_RANGE, lookUpService, extensions } = options
  return {
    blockSize: BLOCK_SIZE,
    handshake: (stream, { credentials, tls, timeoutMs }) =>
      serverHandshake(stream, {
        crypto,
        credentials,
        sessionId: tls.sessionId,
        range: announcedRange(range, tls.alpn),
        clientChain: tls.clientChain,
        timeoutMs,
        ...(lookUpService && { lookUpService }),
      }),
    decode: (content, params) => decode(content, params, extensions),
    failure: ({ corrId, entityId }, params) =>
      encodeResponse(params, corrId, entityId, { tag: "ERR", error: { type: "INTERNAL" } }),
  }
}

function decode(
  content: Uint8Array | undefined,
  params: ServerSession,
  extensions: Extensions | undefined,
): DecodedBlock<ReceivedCommand> {
  // A block without content is a bad block, which is what a lost one is to be answered like.
  const parsed = decodeBlock(content ?? EMPTY, params, { mayOverwrite: true, extensions })
  const commands: ReceivedCommand[] = []
  const errors: Reply[] = []
  for (const item of parsed) {
    if (item.ok) commands.push(item)
    else errors.push(encodeResponse(params, item.corrId, item.entityId, { tag: "ERR", error: item.error }))
  }
  return { commands, errors }
}
