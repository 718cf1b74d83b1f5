// The other end of `tls.ts`, in a process of its own so that its CPU time can be told from the client's: a TLS server as
// the relay has it that sends every block back, with nothing else around it.
import { once } from "node:events"
import type { AddressInfo } from "node:net"
import { createServer } from "node:tls"
import { nativeCrypto } from "@sluice/crypto/native"
import { BlockStream } from "@sluice/transport/block-stream"
import { serverCredentials } from "@sluice/transport/credentials"
import { createCa, createLeaf } from "@sluice/transport/identity"
import { serverTlsOptions } from "@sluice/transport/tls"

const now = Math.floor(Date.now() / 1000)
const ca = createCa(nativeCrypto, { now })
const leaf = createLeaf(nativeCrypto, ca, { now, host: "localhost" })
const credentials = serverCredentials(nativeCrypto, [leaf.certificate, ca.certificate], leaf.key.privateKey)
const server = createServer(serverTlsOptions(credentials), (socket) => {
  const stream = new BlockStream(socket)
  stream.setHandler({ onBlock: (block) => void stream.write(block) })
  stream.resume()
})
server.listen(0, "127.0.0.1")
await once(server, "listening")
process.on("message", () => process.send?.(process.cpuUsage()))
process.once("disconnect", () => process.exit(0))
process.send?.({ port: (server.address() as AddressInfo).port, fingerprint: [...credentials.fingerprint] })
