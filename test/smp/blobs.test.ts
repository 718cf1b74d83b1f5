import type { KeyPair } from "@sluice/crypto/keys"
import { nativeCrypto as c } from "@sluice/crypto/native"
import { concatBytes } from "@sluice/encoding/bytes"
import { ManualClock } from "@sluice/ops/manual-clock"
import { OperatorError } from "@sluice/ops/operator-error"
import { clearBlob, readBlob, writeBlob } from "@sluice/smp-client/blob-commands"
import { isClientError } from "@sluice/smp-client/client-error"
import { connect } from "@sluice/smp-client/connect"
import type { SmpConnection } from "@sluice/smp-client/connection"
import { BLOB_LENGTH, blobIdOf } from "@sluice/smp-protocol/blob-answer"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { TestRelay } from "../support/relay.ts"

/** The network's first design for short links, which relays can offer (docs/blob-links.md). */

const ON = { "blobs.enabled": true }
const DAY = 86_400_000

let relay: TestRelay
let proxy: TestRelay
let open: SmpConnection[] = []

function serverOf(one: TestRelay) {
  return { keyHash: one.relay.fingerprint, hosts: ["127.0.0.1"], port: String(one.port) }
}

async function connected(one: TestRelay = relay): Promise<SmpConnection> {
  const connection = await connect(serverOf(one))
  open.push(connection)
  return connection
}

const reader = (): KeyPair<"x25519"> => c.generateKeyPair("x25519")
const blobOf = (n: number): Uint8Array => new Uint8Array(BLOB_LENGTH).fill(n)

/** The error that the server answers, as text. */
async function errorOf(call: Promise<unknown>): Promise<unknown> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (isClientError(error) && error.answer !== undefined) return error.answer
  throw new Error("the server did not refuse", { cause: error })
}

beforeAll(async () => {
  relay = await TestRelay.start({ settings: { ...ON, "blobs.max_count": 20 } })
  proxy = await TestRelay.start({ store: "memory", settings: { "proxy.allow_private": true } })
})

afterAll(async () => {
  await Promise.all(open.map((connection) => connection.close()))
  open = []
  await relay[Symbol.asyncDispose]()
  await proxy[Symbol.asyncDispose]()
})

describe.each(["ed25519", "ed448", "x25519"] as const)("a blob of an %s key", (algorithm) => {
  it("is written, read, replaced and removed, by its owner only", async () => {
    const server = await connected()
    const keys = reader()
    const owner = c.generateKeyPair(algorithm) as KeyPair<"ed25519">
    const stranger = c.generateKeyPair(algorithm) as KeyPair<"ed25519">
    const { raw } = keys.publicKey
    expect(await errorOf(readBlob(server, keys))).toEqual({ type: "AUTH" })

    await writeBlob(server, raw, owner, blobOf(1))
    expect(await readBlob(server, keys)).toEqual(blobOf(1))
    expect(await errorOf(writeBlob(server, raw, stranger, blobOf(2)))).toEqual({ type: "AUTH" })
    expect(await errorOf(clearBlob(server, raw, stranger))).toEqual({ type: "AUTH" })
    await writeBlob(await connected(), raw, owner, blobOf(3))
    expect(await readBlob(server, keys)).toEqual(blobOf(3))

    await clearBlob(server, raw, owner)
    expect(await errorOf(readBlob(server, keys))).toEqual({ type: "AUTH" })
    expect(await errorOf(clearBlob(server, raw, owner))).toEqual({ type: "AUTH" })
  })
})

describe("reading", () => {
  it("works through a proxy, which forwards nothing else of it", async () => {
    const server = await connected()
    const keys = reader()
    const owner = c.generateKeyPair("ed25519")
    await writeBlob(server, keys.publicKey.raw, owner, blobOf(4))
    const behind = await (await connected(proxy)).openRelay(serverOf(relay))
    expect(await readBlob(behind, keys)).toEqual(blobOf(4))
    expect(await errorOf(readBlob(behind, reader()))).toEqual({ type: "AUTH" })
    const prohibited = { type: "CMD", error: "PROHIBITED" }
    expect(await errorOf(clearBlob(behind, keys.publicKey.raw, owner))).toEqual(prohibited)
  })

  it("gives other bytes each time, and none of those that were written", async () => {
    const server = await connected()
    const keys = reader()
    const blob = c.randomBytes(BLOB_LENGTH)
    await writeBlob(server, keys.publicKey.raw, c.generateKeyPair("ed25519"), blob)
    const request = { command: { tag: "READ" }, entityId: keys.publicKey.raw } as const
    const answers = await Promise.all(server.send([request, request]))
    const boxes = answers.map((answer) => (answer.tag === "BLOB" ? Buffer.from(answer.box) : Buffer.alloc(0)))
    expect(boxes.map(({ length }) => length)).toEqual([16_064, 16_064])
    expect(boxes[0]?.equals(boxes[1] ?? Buffer.alloc(0))).toBe(false)
    for (const box of boxes) expect(box.includes(Buffer.from(blob.subarray(100, 132)))).toBe(false)
  })

  it("needs the key itself, not the ID, and one that is no point of low order", async () => {
    const server = await connected()
    const keys = reader()
    await writeBlob(server, keys.publicKey.raw, c.generateKeyPair("ed25519"), blobOf(5))
    for (const entityId of [
      blobIdOf(c, keys.publicKey.raw),
      new Uint8Array(32),
      concatBytes(keys.publicKey.raw, Uint8Array.of(0)),
    ]) {
      const [answer] = await Promise.all(server.send([{ command: { tag: "READ" }, entityId }]))
      expect(answer).toEqual({ tag: "ERR", error: { type: "AUTH" } })
    }
  })
})

describe("a relay that offers no blobs", () => {
  it("answers as to any unknown command, directly and through a proxy", async () => {
    const plain = await TestRelay.start({ store: "memory" })
    try {
      const unknown = { type: "CMD", error: "UNKNOWN" }
      const keys = reader()
      const owner = c.generateKeyPair("ed25519")
      const direct = await connected(plain)
      const behind = await (await connected(proxy)).openRelay(serverOf(plain))
      for (const server of [direct, behind]) {
        expect(await errorOf(readBlob(server, keys))).toEqual(unknown)
        expect(await errorOf(writeBlob(server, keys.publicKey.raw, owner, blobOf(1)))).toEqual(unknown)
        expect(await errorOf(clearBlob(server, keys.publicKey.raw, owner))).toEqual(unknown)
      }
    } finally {
      await plain[Symbol.asyncDispose]()
    }
  })
})

describe("what bounds blobs", () => {
  it("their number, which a replacement does not raise", async () => {
    const small = await TestRelay.start({ store: "memory", settings: { ...ON, "blobs.max_count": 1 } })
    try {
      const server = await connected(small)
      const owner = c.generateKeyPair("ed25519")
      const [first, second] = [reader(), reader()]
      await writeBlob(server, first.publicKey.raw, owner, blobOf(1))
      expect(await errorOf(writeBlob(server, second.publicKey.raw, owner, blobOf(2)))).toEqual({ type: "QUOTA" })
      await writeBlob(server, first.publicKey.raw, owner, blobOf(3))
      const metrics = await small.metrics()
      expect(metrics).toContain("\nsluice_blobs 1\n")
      expect(metrics).toContain("\nsluice_blobs_written_total 2\n")
      expect(metrics).toContain("\nsluice_blobs_refused_total 1\n")
      await clearBlob(server, first.publicKey.raw, owner)
      await writeBlob(server, second.publicKey.raw, owner, blobOf(2))
    } finally {
      await small[Symbol.asyncDispose]()
    }
  })

  it("their age since the last write", async () => {
    const clock = new ManualClock(Date.now())
    const aging = await TestRelay.start({
      store: "memory",
      clock,
      settings: { ...ON, "blobs.ttl": "2d", "blobs.check_interval": "1d" },
    })
    try {
      const owner = c.generateKeyPair("ed25519")
      const [old, renewed] = [reader(), reader()]
      const server = await connected(aging)
      for (const keys of [old, renewed]) await writeBlob(server, keys.publicKey.raw, owner, blobOf(1))
      clock.advance(1.5 * DAY)
      await writeBlob(await connected(aging), renewed.publicKey.raw, owner, blobOf(2))
      clock.advance(1.5 * DAY)
      await expect
        .poll(async () => errorOf(readBlob(await connected(aging), old)).catch(() => "there"))
        .toEqual({ type: "AUTH" })
      expect(await readBlob(await connected(aging), renewed)).toEqual(blobOf(2))
    } finally {
      await aging[Symbol.asyncDispose]()
    }
  })

  it("no password, so that a relay with one can not offer them", async () => {
    const withPassword = TestRelay.start({ store: "memory", settings: { ...ON, "relay.password": "secret" } })
    await expect(withPassword).rejects.toThrow(OperatorError)
  })
})

it("blobs survive a restart, and nothing about them is logged", async () => {
  const keys = reader()
  await writeBlob(await connected(), keys.publicKey.raw, c.generateKeyPair("ed25519"), blobOf(9))
  await relay.stop()
  await relay.start()
  expect(await readBlob(await connected(), keys)).toEqual(blobOf(9))
  const id = Buffer.from(blobIdOf(c, keys.publicKey.raw))
  for (const { log } of [relay, proxy]) {
    const text = JSON.stringify(log)
    for (const secret of [id, Buffer.from(keys.publicKey.raw)]) {
      expect(text).not.toContain(secret.toString("base64url"))
      expect(text).not.toContain(secret.toString("hex"))
    }
  }
})
