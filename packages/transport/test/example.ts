import { createServer, type Server } from "node:tls"
import type { CryptoBackend } from "@sluice/crypto/backend"
import { BlockStream } from "@sluice/transport/block-stream"
import { clientHandshake } from "@sluice/transport/client-handshake"
import type { Credentials } from "@sluice/transport/credentials"
import { announcedRange } from "@sluice/transport/negotiation"
import { serverHandshake } from "@sluice/transport/server-handshake"
import { serverTlsOptions } from "@sluice/transport/tls"
import { connectTls } from "@sluice/transport/tls-client"
import { acceptTls } from "@sluice/transport/tls-connection"

/** A server that sends the content of every block back. */
export function echoServer(c: CryptoBackend, credentials: Credentials, now: number): Server {
  return createServer(serverTlsOptions(credentials), async (socket) => {
    socket.on("error", () => socket.destroy())
    try {
      const { alpn, ...tls } = acceptTls(socket, { crypto: c, now })
      const stream = new BlockStream(socket)
      const range = announcedRange({ min: 6, max: 20 }, alpn)
      const { blockCodec } = await serverHandshake(stream, { crypto: c, credentials, range, ...tls })
      stream.setHandler({
        onBlock(block) {
          const content = blockCodec.decode(block)
          // A slow reader is not read from until it has taken what it was sent.
          if (content !== undefined && !stream.write(blockCodec.encode([content]))) stream.pause()
        },
        onDrain: () => stream.resume(),
      })
      stream.resume()
    } catch {
      socket.destroy()
    }
  })
}

/** What a server answers to one block with this content. */
export async function ask(
  c: CryptoBackend,
  server: { readonly host: string; readonly port: number; readonly keyHash: Uint8Array },
  content: Uint8Array,
  now: number,
): Promise<Uint8Array | undefined> {
  const { socket, ...tls } = await connectTls({ crypto: c, ...server, now })
  const stream = new BlockStream(socket)
  const { blockCodec } = await clientHandshake(stream, { crypto: c, keyHash: server.keyHash, ...tls })
  return new Promise((resolve, reject) => {
    stream.setHandler({
      onBlock(block) {
        resolve(blockCodec.decode(block))
        stream.end()
      },
      onClose: (reason) => reject(new Error(`connection ${reason}`)),
    })
    stream.resume()
    stream.write(blockCodec.encode([content]))
  })
}
