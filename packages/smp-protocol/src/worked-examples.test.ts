import { dhBoxKey } from "@sluice/crypto/box"
import { privateKey, publicKey } from "@sluice/crypto/keys"
import { fromHex, toHex, utf8 } from "@sluice/encoding/bytes"
import { describe, expect, it } from "vitest"
import { backEnds } from "../test/back-ends.ts"
import { sha256 } from "../test/vector-values.ts"
import { authorize } from "./authorization.ts"
import { batchTransmissions, singleContent } from "./batch.ts"
import { encryptDelivered } from "./delivered-body.ts"
import { idHash, idsHash } from "./ids-hash.ts"
import { encodeOutgoing } from "./outgoing.ts"
import { senderIdOf } from "./sender-id.ts"
import { authorizedBytes, encodeTransmission, transmissionParams } from "./transmission.ts"

const bytesFrom0 = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i)
const filled = (length: number, value: number): Uint8Array => new Uint8Array(length).fill(value)

/** The examples that the descriptions of the protocol work out by hand, named by their sections. */
describe.each(backEnds)("worked examples ($name)", (c) => {
  const corrId = bytesFrom0(24)

  it("smp.md §2.1: sender id", () => {
    expect(toHex(senderIdOf(c, corrId))).toBe("3ae1a7e6f8e0007f53167b85c478203b8445ac2b7b092da2")
  })

  it("smp.md §2.4: hash of ids", () => {
    const ids = [filled(24, 1), filled(24, 2)]
    expect(ids.map((id) => toHex(idHash(c, id)))).toEqual([
      "14548bed5b3ce76eb53b75a859e1280c",
      "205b7eb3e1b3aac151b2b5a8ceed9ec5",
    ])
    expect(toHex(idsHash(c, ids))).toBe("340ff55eba8f4dafe489c000970cb6c9")
  })

  it("smp.md §3.1: authenticator and transmission", () => {
    const serverKey = c.publicKeyOf(privateKey("x25519", filled(32, 9)))
    expect(toHex(serverKey.raw)).toBe("57db4b359f23ae5e146e4e2512056704722506348c150c14753d0c933d04d421")
    const key = privateKey("x25519", filled(32, 7))
    const sessionId = bytesFrom0(32)
    const entityId = filled(24, 0xaa)
    const message = authorizedBytes(sessionId, corrId, entityId, utf8("SUB"))
    expect(message).toHaveLength(86)
    const authenticator =
      "ed632b57765243e7e6146b9e23d2a55968ea2e73655a618142fd1af61ec4d39e92bbdd99e7bf4301ff965f7f224aaa37" +
      "3899edd58f29e9ef3f14a630537b00435a297983aa4f994879a4ef0480398b9c"
    expect(toHex(authorize(c, key, message, corrId, serverKey))).toBe(authenticator)

    const outgoing = { corrId, entityId, command: { tag: "SUB" }, key } as const
    const transmission = encodeOutgoing({ crypto: c, serverKey }, transmissionParams(16, sessionId), outgoing)
    expect(transmission).toHaveLength(135)
    const header = `50${authenticator}30`
    expect(toHex(transmission)).toBe(`${header}18${toHex(corrId)}18${"aa".repeat(24)}535542`)
  })

  it("smp.md §5.1: delivered bodies", () => {
    const peer = c.publicKeyOf(privateKey("x25519", filled(32, 9)))
    const key = dhBoxKey(c, privateKey("x25519", filled(32, 7)), peer)
    if (key === undefined) throw new Error("no secret")
    const timestamp = 1_641_032_645
    const message = { kind: "message", timestamp, notify: true, body: utf8("hello") } as const
    const body = encryptDelivered(c, key, corrId, message)
    expect(toHex(body.subarray(0, 16))).toBe("3e37eb00550dff77ca1a96e8611cfd05")
    expect(sha256(body)).toBe("314cdd07e9a9dcef689eb582987870957bb6d0ea314e5d144119aa7e9117af92")
    const quota = encryptDelivered(c, key, corrId, { kind: "quota", timestamp })
    expect(sha256(quota)).toBe("146bb07d8888299125aaac98270be55e7f88ca908920eeb7c8cd0764c7f577a6")
  })

  it("transport.md §5.1: PING", () => {
    const params = transmissionParams(7, bytesFrom0(32))
    const ping = encodeTransmission(params, { corrId, entityId: new Uint8Array(0), command: utf8("PING") })
    const content = singleContent(ping)
    expect(content).toHaveLength(34)
    expect(toHex(content)).toBe(`01001f0018${toHex(corrId)}0050494e47`)
  })

  it("smp.md §8: sizes", () => {
    const params = transmissionParams(20, bytesFrom0(32))
    const entityId = filled(24, 1)
    const signer = {
      crypto: c,
      serverKey: publicKey("x25519", fromHex("57db4b359f23ae5e146e4e2512056704722506348c150c14753d0c933d04d421")),
    }
    const subBy = (algorithm: "ed25519" | "x25519"): Uint8Array => {
      const { privateKey: key } = c.generateKeyPair(algorithm)
      return encodeOutgoing(signer, params, { corrId, entityId, command: { tag: "SUB" }, key } as const)
    }
    expect(subBy("ed25519")).toHaveLength(119)
    expect(subBy("x25519")).toHaveLength(135)
    const key = c.generateKeyPair("ed448").privateKey
    const command = { tag: "SEND", flags: { notification: true }, body: filled(16048, 1) } as const
    expect(encodeOutgoing(signer, params, { corrId, entityId, command, key })).toHaveLength(16221)
    const subs = new Array(300).fill(subBy("ed25519"))
    const counts = batchTransmissions(subs).map((block) => (block.fits ? block.count : 0))
    expect(counts).toEqual([30, 135, 135])
  })
})
