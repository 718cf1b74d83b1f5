import type { CryptoBackend } from "@sluice/crypto/backend"
import { EMPTY } from "@sluice/encoding/bytes"
import type { VersionRange } from "@sluice/encoding/version"
import type { BlockProtocol, DecodedBlock, Reply } from "@sluice/server-kit/protocol"
import { decodeBlock, type ReceivedCommand } from "@sluice/smp-protocol/block"
import { encodeResponse } from "@sluice/smp-protocol/transmission"
import { BLOCK_SIZE } from "@sluice/transport/block-stream"
import { announcedRange } from "@sluice/transport/negotiation"
import { type ServiceLookup, serverHandshake } from "@sluice/transport/server-handshake"
import type { ServerSession } from "@sluice/transport/session"

const BLOCK_ERROR = { tag: "ERR", error: { type: "BLOCK" } } as const
const INTERNAL_ERROR = { tag: "ERR", error: { type: "INTERNAL" } } as const

/** SMP as the server side speaks it: handshake, and what blocks hold (transport.md §3, §5). */
export function smpServerProtocol(
  crypto: CryptoBackend,
  versions: VersionRange,
  lookUpService: ServiceLookup | undefined,
): BlockProtocol<ServerSession, ReceivedCommand> {
  return {
    blockSize: BLOCK_SIZE,
    handshake: (stream, { credentials, tls, timeoutMs }) =>
      serverHandshake(stream, {
        crypto,
        credentials,
        sessionId: tls.sessionId,
        range: announcedRange(versions, tls.alpn),
        clientChain: tls.clientChain,
        timeoutMs,
        ...(lookUpService && { lookUpService }),
      }),
    decode,
    failure: ({ corrId, entityId }, params) => encodeResponse(params, corrId, entityId, INTERNAL_ERROR),
  }
}

function decode(content: Uint8Array | undefined, params: ServerSession): DecodedBlock<ReceivedCommand> {
  if (content === undefined) return { commands: [], errors: [encodeResponse(params, EMPTY, EMPTY, BLOCK_ERROR)] }
  const commands: ReceivedCommand[] = []
  const errors: Reply[] = []
  for (const parsed of decodeBlock(content, params, { mayOverwrite: true })) {
    if (parsed.ok) commands.push(parsed)
    else errors.push(encodeResponse(params, parsed.corrId, parsed.entityId, { tag: "ERR", error: parsed.error }))
  }
  return { commands, errors }
}
