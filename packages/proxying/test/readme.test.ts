import { readFileSync } from "node:fs"
import { join } from "node:path"
import { nativeCrypto as c } from "@sluice/crypto/native"
import { Metrics } from "@sluice/ops/metrics"
import type { ReceivedCommand } from "@sluice/smp-protocol/block"
import { SignedBytes } from "@sluice/smp-protocol/signed-bytes"
import { plainBlocks } from "@sluice/transport/block-codec"
import type { ServerSession } from "@sluice/transport/session"
import { expect, it } from "vitest"
import { mount } from "./readme-example.ts"
import { errorOf, pfwdCommand, relayAt } from "./requests.ts"

const read = (...path: string[]): string => readFileSync(join(import.meta.dirname, ...path), "utf8")

it("the README shows the example that is compiled and run here", () => {
  expect(/```ts\n(.*?)```/s.exec(read("..", "README.md"))?.[1]).toBe(read("readme-example.ts"))
})

it("the example answers all three commands", async () => {
  const server = mount(new Metrics().register, { execute: () => ({ tag: "OK" }) })
  const connection = { session: session() }
  const run = async (command: ReceivedCommand["command"]): Promise<unknown> =>
    errorOf(await server.run(connection, received(command)))

  const host = { type: "PROXY", error: { type: "BROKER", error: { type: "HOST" } } }
  expect(await run({ tag: "PRXY", server: relayAt("127.0.0.1") })).toEqual(host)
  expect(await run(pfwdCommand())).toEqual({ type: "PROXY", error: { type: "NO_SESSION" } })
  expect(await run({ tag: "RFWD", request: new Uint8Array(100) })).toEqual({ type: "CRYPTO" })
  expect(await run({ tag: "PING" })).toEqual({ type: "CMD", error: "PROHIBITED" })
  server.closed(connection)
  await server.stop()
})

function received(command: ReceivedCommand["command"]): ReceivedCommand {
  const none = new Uint8Array(0)
  return {
    ok: true,
    authorization: none,
    serviceSignature: undefined,
    corrId: c.randomBytes(24),
    entityId: command.tag === "PFWD" ? c.randomBytes(32) : none,
    command,
    signed: new SignedBytes(none, none, 0),
  }
}

function session(): ServerSession {
  return {
    version: 20,
    range: { min: 6, max: 20 },
    sessionId: c.randomBytes(32),
    implySessionId: true,
    serviceSignatures: true,
    proxyServer: true,
    sessionSecret: c.randomBytes(32),
    blockCodec: plainBlocks(),
    sessionKey: c.generateKeyPair("x25519"),
    clientKey: undefined,
    service: undefined,
  }
}
