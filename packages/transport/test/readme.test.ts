import { once } from "node:events"
import { readFileSync } from "node:fs"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { nativeCrypto as c } from "@sluice/crypto/native"
import { describe, expect, it } from "vitest"
import { goodChain, NOW } from "./chains.ts"
import { ask, echoServer } from "./example.ts"

const folder = join(import.meta.dirname, "..")

describe("README", () => {
  it("shows the example of this folder", () => {
    const readme = readFileSync(join(folder, "README.md"), "utf8")
    const example = readFileSync(join(folder, "test", "example.ts"), "utf8")
    expect(readme).toContain(`\`\`\`ts\n${example}\`\`\``)
  })

  it("has an example that works", async () => {
    const credentials = goodChain(2)
    const server = echoServer(c, credentials, NOW).listen(0, "127.0.0.1")
    await once(server, "listening")
    const { port } = server.address() as AddressInfo
    const content = Uint8Array.of(1, 2, 3)
    expect(await ask(c, { host: "127.0.0.1", port, keyHash: credentials.fingerprint }, content, NOW)).toEqual(content)
    server.close()
  })
})
