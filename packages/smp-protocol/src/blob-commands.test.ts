import { dhBoxKey } from "@sluice/crypto/box"
import { nativeCrypto as c } from "@sluice/crypto/native"
import { concatBytes, latin1 } from "@sluice/encoding/bytes"
import { EncodeError } from "@sluice/encoding/errors"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { singleContent } from "./batch.ts"
import { BLOB_ANSWER_LENGTH, BLOB_LENGTH, blobIdOf, openBlobAnswer, sealBlobAnswer } from "./blob-answer.ts"
import { decodeBlock } from "./block.ts"
import { type Command, checkCredentials, decodeCommand, encodeCommand, specOf } from "./commands.ts"
import { CommandError } from "./errors.ts"
import { checkMessageEntity, decodeBrokerMessage, encodeBrokerMessage } from "./messages.ts"
import { encodeTransmission, forwardedParams } from "./transmission.ts"

const BLOBS = { blobs: true }
const key = c.generateKeyPair("ed25519").publicKey
const wrt: Command = { tag: "WRT", key, blob: new Uint8Array(BLOB_LENGTH).fill(7) }

describe("the commands of the blob extension", () => {
  it.each([wrt, { tag: "CLR" }, { tag: "READ" }] as const)(
    "$tag is read back where it is known, and unknown elsewhere",
    (command) => {
      const bytes = encodeCommand(command, 20)
      expect(decodeCommand(bytes, 20, BLOBS)).toEqual(command)
      expect(() => decodeCommand(bytes, 20)).toThrow(
        expect.objectContaining({ error: { type: "CMD", error: "UNKNOWN" } }),
      )
      expect(specOf(command.tag).party).toBe("blob")
    },
  )

  it("are answered where they are off as any unknown command, whatever else is wrong with them", () => {
    const params = forwardedParams(20, c.randomBytes(32))
    const answer = (tag: string, options = {}) => {
      const [parsed] = decodeBlock(
        singleContent(
          encodeTransmission(params, { corrId: c.randomBytes(24), entityId: c.randomBytes(24), command: latin1(tag) }),
        ),
        params,
        options,
      )
      return parsed?.ok === false ? parsed.error : undefined
    }
    for (const tag of ["WRT", "WRT nothing", "CLR", "READ", "READ x"]) expect(answer(tag)).toEqual(answer("XYZ"))
    expect(answer("WRT nothing", { extensions: BLOBS })).toEqual({ type: "CMD", error: "SYNTAX" })
    expect(answer("CLR", { extensions: BLOBS })).toEqual({ type: "CMD", error: "NO_AUTH" })
    expect(answer("READ", { extensions: BLOBS })).toBeUndefined()
  })

  it("carry blobs of one length only", () => {
    expect(() => encodeCommand({ ...wrt, blob: new Uint8Array(BLOB_LENGTH - 1) }, 20)).toThrow(EncodeError)
    const bytes = encodeCommand(wrt, 20)
    for (const wrong of [bytes.subarray(1), bytes.subarray(0, -1), concatBytes(bytes, latin1("x"))]) {
      expect(() => decodeCommand(wrong, 20, BLOBS)).toThrow(CommandError)
    }
  })

  it("need an authorization to write and none to read", () => {
    expect(checkCredentials("WRT", true, true)).toBeUndefined()
    expect(checkCredentials("CLR", false, true)).toEqual({ type: "CMD", error: "NO_AUTH" })
    expect(checkCredentials("READ", true, true)).toEqual({ type: "CMD", error: "HAS_AUTH" })
    expect(checkCredentials("READ", false, false)).toEqual({ type: "CMD", error: "NO_ENTITY" })
  })

  it("of hostile bytes are a command or a CommandError", () => {
    fc.assert(
      fc.property(fc.constantFrom("WRT", "CLR", "READ"), fc.uint8Array({ maxLength: 100 }), (tag, rest) => {
        try {
          decodeCommand(concatBytes(latin1(tag), rest), 20, BLOBS)
        } catch (error) {
          expect(error).toBeInstanceOf(CommandError)
        }
      }),
    )
  })
})

describe("the answer to READ", () => {
  it("is a box that only the reader's key and this command open", () => {
    const reader = c.generateKeyPair("x25519")
    const server = c.generateKeyPair("x25519")
    const blob = c.randomBytes(BLOB_LENGTH)
    const corrId = c.randomBytes(24)
    const serverKey = dhBoxKey(c, server.privateKey, reader.publicKey)
    const readerKey = dhBoxKey(c, reader.privateKey, server.publicKey)
    if (serverKey === undefined || readerKey === undefined) throw new Error("no keys")
    const box = sealBlobAnswer(c, serverKey, corrId, blob)
    expect(box).toHaveLength(BLOB_ANSWER_LENGTH)
    const message = decodeBrokerMessage(encodeBrokerMessage({ tag: "BLOB", box }, 20), 20)
    expect(message).toEqual({ tag: "BLOB", box })
    expect(openBlobAnswer(c, readerKey, corrId, box)).toEqual(blob)
    expect(openBlobAnswer(c, readerKey, c.randomBytes(24), box)).toBeUndefined()
    expect(checkMessageEntity("BLOB", false)).toEqual({ type: "CMD", error: "NO_ENTITY" })
    expect(blobIdOf(c, reader.publicKey.raw)).toEqual(c.sha256(reader.publicKey.raw))
  })
})
