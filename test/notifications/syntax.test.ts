import { nativeCrypto as c } from "@sluice/crypto/native"
import { concatBytes, EMPTY, utf8 } from "@sluice/encoding/bytes"
import { encodeNtfCommand, type NtfCommand } from "@sluice/ntf-protocol/commands"
import type { DeviceToken } from "@sluice/ntf-protocol/device-token"
import { encodeNtfClientHello } from "@sluice/ntf-protocol/hello"
import { NTF_ALPN, NTF_BLOCK_SIZE } from "@sluice/ntf-protocol/versions"
import { plainBlocks } from "@sluice/transport/block-codec"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { TestNotifications, testToken } from "../support/notifications.ts"
import { RawNtf, tlsTo } from "../support/raw-ntf.ts"

let ntf: TestNotifications
let raw: RawNtf

beforeAll(async () => {
  ntf = await TestNotifications.start({ store: "memory" })
  raw = await RawNtf.connect(ntf.address)
})

afterAll(async () => {
  raw.close()
  await ntf[Symbol.asyncDispose]()
})

const keys = c.generateKeyPair("ed25519")
const key = keys.privateKey
const dhKey = c.generateKeyPair("x25519").publicKey
const corrId = utf8("abcd")
const cmd = (error: string) => ({ tag: "ERR", error: { type: "CMD", error } })
const register = (token: DeviceToken = testToken()): Uint8Array =>
  encodeNtfCommand({ tag: "TNEW", token, verifyKey: keys.publicKey, dhKey })
const encode = (command: NtfCommand): Uint8Array => encodeNtfCommand(command)

describe("syntax", () => {
  it("S1: an unknown tag", async () => {
    const answer = await raw.ask({ command: utf8("HELLO"), corrId, entityId: utf8("1234") })
    expect(answer).toMatchObject({ corrId, entityId: utf8("1234"), response: cmd("UNKNOWN") })
  })

  it("S2: TNEW without parameters", async () => {
    expect((await raw.ask({ command: utf8("TNEW"), key })).response).toEqual(cmd("SYNTAX"))
  })

  it("S3: TNEW with surplus bytes before the token", async () => {
    const good = register()
    const command = concatBytes(good.subarray(0, 4), utf8(" \x01A"), good.subarray(4))
    expect((await raw.ask({ command, key })).response).toEqual(cmd("SYNTAX"))
  })

  it("S4: TNEW without authorization", async () => {
    expect((await raw.ask({ command: register() })).response).toEqual(cmd("NO_AUTH"))
  })

  it("S5: TNEW with an entity", async () => {
    const entityId = utf8("12345678")
    const answer = await raw.ask({ command: register(), key, entityId })
    expect(answer).toMatchObject({ entityId, response: cmd("HAS_AUTH") })
  })

  it("S6: a token of a test service where those are not taken, and of one that is not configured", async () => {
    await using strict = await TestNotifications.start({
      settings: { "notifications.test_tokens": false },
      store: "memory",
    })
    const client = await RawNtf.connect(strict.address)
    for (const token of [testToken(), { provider: "FP", token: utf8("00ff") } as const]) {
      expect((await client.ask({ command: register(token), key })).response).toEqual(cmd("PROHIBITED"))
    }
    const nothing = { provider: "AN", token: utf8("test_ntf_token") } as const
    expect((await client.ask({ command: register(nothing), key })).response.tag).toBe("IDTKN")
    client.close()
  })

  it("a token that would change the request it becomes part of", async () => {
    for (const token of ["", "../00", "xyz"]) {
      const command = register({ provider: "AP", token: utf8(token) })
      expect((await raw.ask({ command, key })).response).toEqual(cmd("SYNTAX"))
    }
  })

  it("PING takes no credentials", async () => {
    expect(await raw.ask({ command: encode({ tag: "PING" }), corrId })).toMatchObject({
      ...{ corrId, entityId: EMPTY, response: { tag: "PONG" } },
    })
    expect((await raw.ask({ command: encode({ tag: "PING" }), key })).response).toEqual(cmd("HAS_AUTH"))
    const entityId = utf8("x")
    expect((await raw.ask({ command: encode({ tag: "PING" }), entityId })).response).toEqual(cmd("HAS_AUTH"))
  })

  it("an authorization of a length that none has", async () => {
    const answer = await raw.ask({ command: encode({ tag: "TCHK" }), corrId, entityId: corrId, authorization: corrId })
    expect(answer).toMatchObject({ corrId, entityId: EMPTY, response: { tag: "ERR", error: { type: "BLOCK" } } })
  })

  it("unknown entities, and those of another kind, are not authorized", async () => {
    const auth = { tag: "ERR", error: { type: "AUTH" } }
    for (const tag of ["TCHK", "TDEL", "SCHK", "SDEL"] as const) {
      for (const algorithm of ["ed25519", "ed448", "x25519"] as const) {
        const { privateKey } = c.generateKeyPair(algorithm)
        const answer = await raw.ask({ command: encode({ tag }), entityId: c.randomBytes(24), key: privateKey })
        expect(answer.response).toEqual(auth)
      }
    }
    const registered = await raw.ask({ command: register(), key })
    if (registered.response.tag !== "IDTKN") throw new Error(registered.response.tag)
    const entityId = registered.response.tokenId.slice()
    expect((await raw.ask({ command: encode({ tag: "SCHK" }), entityId, key })).response).toEqual(auth)
    const stranger = c.generateKeyPair("ed25519").privateKey
    expect((await raw.ask({ command: encode({ tag: "TCHK" }), entityId, key: stranger })).response).toEqual(auth)
    expect((await raw.ask({ command: encode({ tag: "TCHK" }), entityId, key })).response.tag).toBe("TKN")
  })

  it("several commands of one block are answered, each by its correlation id", async () => {
    const ids = [1, 2, 3, 4].map((n) => Uint8Array.of(n))
    raw.send(...ids.map((id) => ({ command: encode({ tag: "PING" }), corrId: id })))
    const answers = await raw.block()
    expect(answers.map((answer) => answer.corrId)).toEqual(ids)
  })
})

describe("S11: what is no session of ours", () => {
  it("a block that cannot be taken apart is answered, and the connection stays", async () => {
    const block = { corrId: EMPTY, entityId: EMPTY, response: { tag: "ERR", error: { type: "BLOCK" } } }
    for (const content of [EMPTY, Uint8Array.of(0), Uint8Array.of(1, 0, 9, 1), Uint8Array.of(1, 0, 1, 0, 7)]) {
      raw.sendContent(content)
      expect(await raw.block()).toMatchObject([block])
    }
    raw.sendBlock(new Uint8Array(NTF_BLOCK_SIZE).fill(0xff))
    expect(await raw.block()).toMatchObject([block])
    expect((await raw.ask({ command: encode({ tag: "PING" }) })).response.tag).toBe("PONG")
  })

  it.each([
    ["another key hash", encodeNtfClientHello({ version: 3, keyHash: new Uint8Array(32) })],
    ["version 0", undefined, 0],
    ["version 4", undefined, 4],
    ["garbage", utf8("x")],
  ])("a hello with %s closes the connection without a word", async (_, hello, version = 3) => {
    const { socket } = await tlsTo(ntf.address, [NTF_ALPN])
    const content = hello ?? encodeNtfClientHello({ version, keyHash: ntf.address.keyHash })
    let received = 0
    const serverHello = new Promise<void>((resolve) => {
      socket.on("data", (data: Buffer) => {
        received += data.length
        resolve()
      })
    })
    const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()))
    await serverHello
    socket.write(plainBlocks(NTF_BLOCK_SIZE).encode([content]))
    await closed
    expect(received).toBe(NTF_BLOCK_SIZE)
  })

  it("S12: without our ALPN name only version 1 is spoken, with the session id in every transmission", async () => {
    for (const alpn of [[], ["h2"], ["http/1.1"]]) {
      const old = await RawNtf.connect(ntf.address, alpn)
      expect(old.session).toMatchObject({ version: 1, serverKey: undefined, serverRange: { min: 1, max: 1 } })
      expect((await old.ask({ command: encode({ tag: "PING" }), corrId })).corrId).toEqual(corrId)
      const sessionId = new Uint8Array(32)
      const foreign = await old.ask({ command: encode({ tag: "PING" }), corrId, sessionId })
      expect(foreign).toMatchObject({ corrId, entityId: EMPTY, response: { tag: "ERR", error: { type: "SESSION" } } })
      old.close()
    }
  })
})
