import { cbEncrypt } from "@sluice/crypto/box"
import { privateKey } from "@sluice/crypto/keys"
import { portableCrypto as c } from "@sluice/crypto/portable"
import { encodeBase64Url } from "@sluice/encoding/base64url"
import { EMPTY, toHex, utf8 } from "@sluice/encoding/bytes"
import { pad } from "@sluice/encoding/padding"
import { encodeWith } from "@sluice/encoding/writer"
import { describe, expect, it } from "vitest"
import { ntfContents, ntfParams } from "../src/block.ts"
import { encodeNtfCommand, type NtfCommand } from "../src/commands.ts"
import { formatMessageEntry } from "../src/message-list.ts"
import { encodeNtfOutgoing } from "../src/outgoing.ts"
import { sealVerification } from "../src/push-content.ts"

// The values of notifications.md §4.2, which were computed from the rules and not captured.

/** Bytes from `from` on, counting up. */
const run = (from: number, length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => from + i)
const sha = (bytes: Uint8Array): string => toHex(c.sha256(bytes))

const client = privateKey("x25519", run(0x01, 32))
const server = privateKey("x25519", run(0x41, 32))
const secret = c.diffieHellman(client, c.publicKeyOf(server))

describe("S17: the vectors of notifications.md §4.2", () => {
  it("agrees on the secret", () => {
    expect(toHex(secret)).toBe("26c2c17fdb82161cb21ad16e721315355b64d1763119b10bfc962530dc7cc163")
  })

  it("seals the code of a verification", () => {
    const { ciphertext } = sealVerification({ crypto: c, secret }, run(0x81, 24), run(0xa0, 32), 3072)
    expect(ciphertext).toHaveLength(3088)
    expect(sha(ciphertext)).toBe("12ae251ab8d2fae5b719694d6dbe3c7536ad68307d98c658177764e8cd5316ef")
    const text = encodeBase64Url(ciphertext)
    expect([text.length, sha(utf8(text))]).toEqual([
      4120,
      "dee7488b081ba6b799e3bede8dcdb907ff7e64968867b81db162936c065bd867",
    ])
  })

  it("writes an entry of a list", () => {
    const nonce = run(0xc0, 24)
    const meta = cbEncrypt(
      c,
      secret,
      nonce,
      encodeWith((w) => w.short(run(0x10, 24)).int64(1_700_000_000)),
      128,
    )
    const queue = {
      server: { hosts: ["smp.example.com"], port: "5223", keyHash: run(0, 32) },
      notifierId: run(0x30, 24),
    }
    expect(formatMessageEntry({ queue, time: 1_700_000_001, nonce, meta })).toBe(
      "smp://AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=@smp.example.com:5223/MDEyMzQ1Njc4OTo7PD0-P0BBQkNERUZH 1700000001 wMHCw8TFxsfIycrLzM3Oz9DR0tPU1dbX 47ib-bUmQj5Z004VlGUnLa0vEm70kMFjsIvFnGZZgFwIm3URl0AmJtmkHM8PKTPdNDTBPxMFMSvUOlxuzlvB-DidxuDeBZDFMD5RICpHaKWBGZ24ElH5IlsSgEKG9dzHJ2dkxwZphnbGyVv4hqg_tuz6wSbBNzj5u2YmCWWu7x-K42msNPD6qgO6EUorQ-LL",
    )
  })

  it("signs a registration and puts it into a block", () => {
    const key = privateKey("ed25519", run(0x21, 32))
    const command: NtfCommand = {
      tag: "TNEW",
      token: { provider: "AT", token: utf8("abcd") },
      verifyKey: c.publicKeyOf(key),
      dhKey: c.publicKeyOf(client),
    }
    expect(toHex(encodeNtfCommand(command))).toBe(
      "544e45572054415404616263642c302a300506032b6570032100e7f162a10bec559afea195e4dce84b69568d5d2cb0963eb446c0685e2b17f2f02c302a300506032b656e03210007a37cbc142093c8b755dc1b10e86cb426374ad16aa853ed0bdfc0b2b86d1c7c",
    )
    const params = ntfParams(2, run(0xe0, 12))
    const sent = encodeNtfOutgoing({ crypto: c, serverKey: undefined }, params, {
      ...{ corrId: run(0x50, 24), entityId: EMPTY, command, key },
    })
    expect(toHex(sent.subarray(1, 65))).toBe(
      "d58e6a82be01bb39800c133ff5aab951a723e9adafb4a0488f549e25379f56acb61ddfc4983faad4c707a2e2a1be7b76d5d6dc96b08c951e52b2a7de28cb510d",
    )
    const [content = EMPTY] = ntfContents([sent], params)
    expect(sha(pad(content, 512))).toBe("23d2414624b9ac0b771fc4979b49023c061ee8ecfa206e1e363405fc89d9f2bd")
  })
})
