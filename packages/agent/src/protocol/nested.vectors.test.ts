import { dhBoxKey } from "@sluice/crypto/box"
import { decodePrivateKey, type KeyPair, type PrivateKey } from "@sluice/crypto/keys"
import { nativeCrypto as crypto } from "@sluice/crypto/native"
import { createSntrup761 } from "@sluice/crypto/sntrup761"
import { fromHex, toHex } from "@sluice/encoding/bytes"
import { decodeWhole } from "@sluice/encoding/reader"
import { decrypt } from "@sluice/ratchet/decrypt"
import { acceptRatchet } from "@sluice/ratchet/init"
import type { OwnKeys } from "@sluice/ratchet/keys"
import { NO_SKIPPED } from "@sluice/ratchet/skipped"
import { decodeClientEnvelope, openClientMessage } from "@sluice/smp-protocol/client-message"
import { describe, expect, it } from "vitest"
import { haveVectors } from "../../../../test/vectors.ts"
import { agentVectors, named } from "../../test/vector-values.ts"
import { decodeAgentMessage } from "./agent-message.ts"
import { decodeEnvelope } from "./envelope.ts"

const kem = createSntrup761(crypto)

interface KeyVector {
  readonly priv: string
}

interface NestedVector {
  readonly name: string
  readonly r1: KeyVector
  readonly r2: KeyVector
  /** `P`, public key and secret key, each behind two bytes of length. */
  readonly initiatorKemPrivate: string | null
  readonly queueE2eKey: KeyVector
  readonly connInfoPlain: string
  readonly messagePlain: string
  readonly confirmation: string
  readonly message: string
}

function pair<A extends "x448" | "x25519">({ priv }: KeyVector): KeyPair<A> {
  const privateKey = decodePrivateKey(fromHex(priv)) as PrivateKey<A>
  return { privateKey, publicKey: crypto.publicKeyOf(privateKey) }
}

function ownKeys({ r1, r2, initiatorKemPrivate }: NestedVector): OwnKeys {
  const keys = { key1: pair<"x448">(r1), key2: pair<"x448">(r2) }
  if (initiatorKemPrivate === null) return { ...keys, kem: undefined }
  const both = decodeWhole(fromHex(initiatorKemPrivate), (r) => {
    r.u8("tag")
    return { publicKey: r.large("public key"), secretKey: r.large("secret key") }
  })
  return { ...keys, kem: { pair: both, accepted: undefined } }
}

describe.skipIf(!haveVectors)("vectors of agent.json", () => {
  it.each(named(agentVectors<NestedVector>("nested")))("nested %s", (_, vector) => {
    const own = pair<"x25519">(vector.queueE2eKey)
    const first = decodeClientEnvelope(fromHex(vector.confirmation))
    if (first.key === undefined) throw new Error("no key in the confirmation")
    const box = dhBoxKey(crypto, own.privateKey, first.key)
    if (box === undefined) throw new Error("a key of low order")
    const open = (body: string) => {
      const opened = openClientMessage(crypto, box, decodeClientEnvelope(fromHex(body)))
      if (opened === undefined) throw new Error("it does not open")
      return decodeEnvelope(opened.body)
    }

    const confirmation = open(vector.confirmation)
    if (confirmation.tag !== "CONFIRMATION" || confirmation.e2e === undefined) throw new Error("no confirmation")
    const pq = vector.initiatorKemPrivate !== null
    const c = { crypto, kem }
    const ratchet = acceptRatchet(c, ownKeys(vector), confirmation.e2e, 3, pq)
    const info = decrypt(c, ratchet, NO_SKIPPED, confirmation.encrypted)
    if (!info.ok) throw new Error(info.problem.code)
    expect(toHex(info.message)).toBe(vector.connInfoPlain)
    expect(decodeAgentMessage(info.message).tag).toBe("CONN_INFO_REPLY")

    const message = open(vector.message)
    if (message.tag !== "MESSAGE") throw new Error("no message")
    const plain = decrypt(c, info.state, NO_SKIPPED, message.encrypted)
    if (!plain.ok) throw new Error(plain.problem.code)
    expect(toHex(plain.message)).toBe(vector.messagePlain)
    expect(plain.pq).toBe(pq)
    expect(decodeAgentMessage(plain.message)).toMatchObject({
      tag: "MESSAGE",
      id: 2n,
      previousHash: crypto.sha256(info.message),
    })
  })
})
