import type { CryptoBackend } from "@sluice/crypto/backend"
import { nextBlockKey } from "@sluice/crypto/chain"
import { nativeCrypto } from "@sluice/crypto/native"
import { portableCrypto } from "@sluice/crypto/portable"
import { toHex } from "@sluice/encoding/bytes"
import { decodeWhole, type Reader } from "@sluice/encoding/reader"
import { batchContent } from "@sluice/smp-protocol/batch"
import { decodeBlock, decodeResponses, type ReceivedCommand, splitBlock } from "@sluice/smp-protocol/block"
import { encodeCommand } from "@sluice/smp-protocol/commands"
import { encodeBrokerMessage } from "@sluice/smp-protocol/messages"
import { encodeTransmission, readTransmission } from "@sluice/smp-protocol/transmission"
import { BlockCipher, blockChains } from "@sluice/transport/block-cipher"
import { checkServerHello } from "@sluice/transport/client-handshake"
import {
  decodeClientHello,
  decodeServerHello,
  decodeServiceResponse,
  encodeClientHello,
  encodeServerHello,
  encodeServiceResponse,
} from "@sluice/transport/hello"
import { describe, expect, test } from "vitest"
import { haveTraces, type Trace, type TraceBlock, traces } from "./support/trace-files.ts"
import { TraceReplay, UnusedChoices } from "./support/trace-replay.ts"

/**
 * Sessions of the reference's client with the reference's server (both 6.5.5), as they were recorded.
 *
 * Compared, for every block of every file:
 * - the key and the nonce of an encrypted block with the next step of our chain from the session's secret, the first 64
 *   bytes of the encrypted block with ours (they hold the tag, so all of it agrees), and the content with what the other
 *   side of our cipher reads;
 * - hellos, service responses, blocks and transmissions with what our codecs make of what they read of them;
 * - hellos with the checks of our client and our server, which accept them;
 * - what our relay answers to the recorded commands, and the events that it sends, byte for byte and in the same blocks.
 *   The commands go through the relay's own code from the content of a block on (`RelaySession`), which verifies every
 *   recorded authorization. What the reference's server chose at random is taken from its answers (see `scriptOf`).
 *
 * Not compared:
 * - X25519 authorizations: only the holder of the server's session key can verify them. There are none in the files,
 *   which is asserted, so no authorization is taken on trust.
 * - The bodies of MSG and the metadata of NMSG, which are encrypted with secrets that the recordings don't have. Ours are
 *   decrypted instead, and must say what was sent; where the reference repeated a body, ours must be the same again.
 * - The times of END, ENDS, DELD and NMSG, and their order among other blocks: they must come, in any order.
 * - PRXY and PFWD: they are answered as recorded. What came inside is unknown; where a message must have, one is put into
 *   the queue by the relay's own `SEND`, without its authorization.
 * - The ends of connections and the incidents of the server, which are no blocks: a connection ends here after its last
 *   block, and restarts, pauses and settings stand in a table (`scenarioOf`).
 */
describe.skipIf(!haveTraces)("recorded sessions", () => {
  const all = traces()

  test("are there, of servers, agents and proxies", () => {
    for (const folder of ["server", "agent", "proxy"]) {
      expect(all.filter(({ name }) => name.startsWith(`${folder}/`)).length).toBeGreaterThan(0)
    }
    for (const { blocks } of all) expect(blocks.length).toBeGreaterThan(3)
  })

  describe.each([nativeCrypto, portableCrypto])("blocks, $name crypto", (c) => {
    const encrypted = all.filter(({ connections }) => connections.some(({ secret }) => secret !== undefined))
    test.each(encrypted)("$name encrypts and decrypts", (trace) => expectSameBlocks(c, trace))
  })

  describe("codecs", () => {
    test.each(all)("$name decodes and encodes", ({ blocks }) => {
      for (const block of blocks) expectSameBytes(block)
    })
  })

  describe("relay", () => {
    test.each(all)("$name: $test", async (trace) => {
      const replay = new TraceReplay(trace)
      const compared = await replay.run()
      for (const { where, recorded, ours } of compared) expect(ours, where).toEqual(recorded)
      const answers = trace.blocks.filter(({ direction, kind }) => direction === "rx" && kind !== "server-hello")
      expect(compared.length).toBe(answers.length)
      expect(replay.errors).toEqual([])
    })

    test("checks every authorization, none of which needs the server's key", () => {
      for (const { blocks } of all) {
        for (const { authorization } of blocks.flatMap(commandsOf)) expect([0, 64, 114]).toContain(authorization.length)
      }
    })

    test("answers otherwise when an accepted authorization is changed by one bit", async () => {
      let changed = 0
      for (const trace of traces()) {
        const block = trace.blocks.find((tx) => commandsOf(tx).some(({ authorization }) => authorization.length > 0))
        if (block === undefined || !acceptedFirst(trace, block)) continue
        // Behind the count, the length of the transmission and that of the authorization.
        block.content[20] = (block.content[20] ?? 0) ^ 1
        expect(await differs(trace), trace.name).toBe(true)
        changed++
      }
      expect(changed).toBeGreaterThan(20)
    })
  })
})

function expectSameBlocks(c: CryptoBackend, { connections }: Trace): void {
  for (const { secret, sessionId, blocks, serverHello, clientHello, alpn } of connections) {
    if (secret === undefined) continue
    const server = new BlockCipher(c, blockChains(c, "server", sessionId, secret))
    const client = new BlockCipher(c, blockChains(c, "client", sessionId, secret))
    expect(alpn).toBe("smp/1")
    expect(clientHello.sessionKey).toBeDefined()
    expect(serverHello.key).toBeDefined()
    for (const { direction, kind, content, secrets } of blocks) {
      expect(secrets !== undefined, "block encryption begins after the hellos").toBe(kind === "transmissions")
      if (secrets === undefined) continue
      const [sender, receiver] = direction === "rx" ? [server, client] : [client, server]
      const { key, nonce } = nextBlockKey(c, sender.chains.send)
      expect([toHex(key), toHex(nonce)]).toEqual([toHex(secrets.key), toHex(secrets.nonce)])
      const block = sender.encode([content])
      expect(toHex(block.subarray(0, 64))).toBe(toHex(secrets.cipher64))
      expect(toHex(receiver.decode(block) ?? new Uint8Array())).toBe(toHex(content))
    }
  }
}

function expectSameBytes(block: TraceBlock): void {
  const { kind, content, connection } = block
  const again = (): Uint8Array => {
    switch (kind) {
      case "server-hello":
        expect(checkedVersion(block)).toBe(connection.clientHello.version)
        return encodeServerHello(decodeServerHello(content))
      case "client-hello":
        return encodeClientHello(decodeClientHello(content))
      case "service-response":
        return encodeServiceResponse(decodeServiceResponse(content))
      case "transmissions": {
        const transmissions = splitBlock(content) ?? []
        for (const transmission of transmissions) expectSameTransmission(block, transmission)
        return batchContent({ items: transmissions, length: content.length })
      }
      default:
        return kind satisfies never
    }
  }
  expect(toHex(again())).toBe(toHex(content))
}

/** What our client would choose after its checks of the server's hello, from the versions that the other one had. */
function checkedVersion({ connection, content }: TraceBlock): number {
  const { clientHello, sessionId, serverHello } = connection
  const { keyHash } = clientHello
  // The certificates of the TLS connection were not recorded; the reference's server sends the same in its hello.
  const serverChain = serverHello.key?.chain ?? []
  const range = { min: 6, max: 18 }
  return checkServerHello(content, { crypto: nativeCrypto, keyHash, sessionId, serverChain, range }).version
}

/** One transmission; commands that are wrong, as some of the syntax tests' are, have no form to encode again. */
function expectSameTransmission({ direction, connection }: TraceBlock, transmission: Uint8Array): void {
  const { params } = connection
  const { authorization, serviceSignature, corrId, entityId, command } = decodeWhole(transmission, (r: Reader) =>
    readTransmission(r, params),
  )
  const again = encodeTransmission(params, { authorization, serviceSignature, corrId, entityId, command })
  expect(toHex(again)).toBe(toHex(transmission))
  const content = batchContent({ items: [transmission], length: 3 + transmission.length })
  if (direction === "tx") {
    const [parsed] = decodeBlock(content, params)
    if (parsed?.ok === true) expect(toHex(encodeCommand(parsed.command, params.version))).toBe(toHex(command))
  } else {
    const [parsed] = decodeResponses(content, params)
    if (parsed?.ok !== true) throw new Error("a message of the reference's server that our client refuses")
    expect(toHex(encodeBrokerMessage(parsed.message, params.version))).toBe(toHex(command))
  }
}

function commandsOf({ direction, kind, content, connection }: TraceBlock): ReceivedCommand[] {
  if (direction !== "tx" || kind !== "transmissions") return []
  return decodeBlock(content, connection.params).filter((parsed) => parsed.ok)
}

/** Whether the answer to the command of this block was no error. */
function acceptedFirst({ blocks }: Trace, block: TraceBlock): boolean {
  const corrId = commandsOf(block)[0]?.corrId
  const answers = blocks
    .slice(blocks.indexOf(block))
    .filter(({ direction, connection }) => direction === "rx" && connection === block.connection)
    .flatMap(({ content, connection }) => decodeResponses(content, connection.params))
  const answer = answers.find((response) => response.ok && toHex(response.corrId) === toHex(corrId ?? new Uint8Array()))
  return answer?.ok === true && answer.message.tag !== "ERR"
}

async function differs(trace: Trace): Promise<boolean> {
  try {
    const compared = await new TraceReplay(trace).run()
    return compared.some(({ recorded, ours }) => recorded.join("\n") !== ours.join("\n"))
  } catch (error) {
    if (error instanceof UnusedChoices) return true
    throw error
  }
}
