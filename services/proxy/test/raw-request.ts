import { nativeCrypto as crypto } from "@sluice/crypto/native"
import type { ServerAddress } from "@sluice/encoding/server-address"
import { singleContent } from "@sluice/smp-protocol/batch"
import { decodeResponses } from "@sluice/smp-protocol/block"
import { type Command, encodeCommand } from "@sluice/smp-protocol/commands"
import type { BrokerMessage } from "@sluice/smp-protocol/messages"
import { encodeTransmission } from "@sluice/smp-protocol/transmission"
import { BlockStream } from "@sluice/transport/block-stream"
import { clientHandshake } from "@sluice/transport/client-handshake"
import { connectTls } from "@sluice/transport/tls-client"

/** The answer to a command with a signature that nobody made, on a connection of its own. */
export async function signedAtRandom(
  { hosts: [host = ""], port, keyHash }: ServerAddress,
  command: Command,
  entityId: Uint8Array,
): Promise<BrokerMessage> {
  const now = Math.floor(Date.now() / 1000)
  const tls = await connectTls({ crypto, keyHash, host, port: Number(port), now })
  const stream = new BlockStream(tls.socket)
  const { sessionId, serverChain } = tls
  const session = await clientHandshake(stream, { crypto, keyHash, sessionId, serverChain, timeoutMs: 10_000 })
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>()
  stream.setHandler({ onBlock: resolve, onClose: () => reject(new Error("closed")) })
  stream.resume()
  const transmission = encodeTransmission(session, {
    authorization: crypto.randomBytes(64),
    corrId: crypto.randomBytes(24),
    entityId,
    command: encodeCommand(command, session.version),
  })
  stream.write(session.blockCodec.encode([singleContent(transmission)]))
  const [answer] = decodeResponses(session.blockCodec.decode(await promise) ?? new Uint8Array(0), session)
  stream.end()
  if (answer?.ok !== true) throw new Error("unreadable answer")
  return answer.message
}
