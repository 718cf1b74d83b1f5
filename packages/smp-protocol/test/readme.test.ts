import { readFileSync } from "node:fs"
import { join } from "node:path"
import { nativeCrypto } from "@sluice/crypto/native"
import { expect, it } from "vitest"
import { singleContent } from "../src/batch.ts"
import { decodeResponses, type ParsedResponse } from "../src/block.ts"
import { transmissionParams } from "../src/transmission.ts"
import { answers, sendingBlock } from "./readme-example.ts"

const read = (...path: string[]): string => readFileSync(join(import.meta.dirname, ...path), "utf8")

it("the README shows the example that is compiled and run here", () => {
  const shown = /```ts\n(.*?)```/s.exec(read("..", "README.md"))?.[1]
  expect(shown).toBe(read("readme-example.ts"))
})

it("the example works", () => {
  const params = transmissionParams(20, nativeCrypto.randomBytes(32))
  const queue = nativeCrypto.generateKeyPair("ed25519")
  const session = nativeCrypto.generateKeyPair("x25519")
  const senderId = nativeCrypto.randomBytes(24)
  const answer = (block: Uint8Array): ParsedResponse | undefined => {
    const [first = new Uint8Array(0)] = answers(params, session, queue.publicKey, block)
    return decodeResponses(singleContent(first), params)[0]
  }
  expect(answer(sendingBlock(params, senderId, queue.privateKey))).toMatchObject({ message: { tag: "OK" } })
  const stranger = nativeCrypto.generateKeyPair("ed25519").privateKey
  expect(answer(sendingBlock(params, senderId, stranger))).toMatchObject({ message: { error: { type: "AUTH" } } })
  expect(answer(Uint8Array.of(0))).toMatchObject({ message: { error: { type: "BLOCK" } } })
})
