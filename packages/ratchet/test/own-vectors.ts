import type { CryptoBackend } from "@sluice/crypto/backend"
import { type KeyPair, privateKey } from "@sluice/crypto/keys"
import { createNativeCrypto } from "@sluice/crypto/native"
import { createPortableCrypto } from "@sluice/crypto/portable"
import { createSntrup761 } from "@sluice/crypto/sntrup761"
import { toHex, utf8 } from "@sluice/encoding/bytes"
import { seededRandom } from "../../crypto/test/backends.ts"
import { decrypt } from "../src/decrypt.ts"
import { encodeE2eParams } from "../src/e2e-params.ts"
import { formatE2eInvitation } from "../src/e2e-uri.ts"
import { prepareMessage } from "../src/encrypt.ts"
import { acceptRatchet, joinRatchet } from "../src/init.ts"
import { joinerKeys, type OwnKeys, proposeKeys, publicInvitation, publicParams } from "../src/keys.ts"
import { encryptBody } from "../src/message-key.ts"
import type { RatchetCrypto } from "../src/primitives.ts"
import { applySkipped, NO_SKIPPED, type SkippedKeys } from "../src/skipped.ts"
import type { Ratchet } from "../src/state.ts"
import { ratchetToJson } from "../src/state-json.ts"
import { x3dhInitiator, x3dhJoiner } from "../src/x3dh.ts"

/** Both back ends with the same repeatable randomness. */
export const SEEDED: readonly { readonly name: string; readonly make: () => CryptoBackend }[] = [
  { name: "native", make: () => createNativeCrypto({ random: seededRandom("ratchet vectors") }) },
  { name: "portable", make: () => createPortableCrypto({ random: seededRandom("ratchet vectors") }) },
]

/** A step: who sends, which text, what is chosen for PQ; `~` in front of the text keeps it back to the end. */
type Line = readonly [by: "j" | "i", text: string, pq?: boolean]

const CONVERSATIONS: readonly { name: string; version: number; pq: boolean; lines: readonly Line[] }[] = [
  {
    name: "version 2",
    version: 2,
    pq: false,
    lines: [
      ["j", "hello"],
      ["i", "hi"],
      ["j", "again"],
    ],
  },
  {
    name: "version 3, messages late",
    version: 3,
    pq: false,
    lines: [
      ["j", "~late 1"],
      ["j", "hello"],
      ["i", "hi"],
      ["j", "~late 2"],
      ["j", "third"],
      ["i", "bye"],
    ],
  },
  {
    name: "version 3, KEM accepted, then off",
    version: 3,
    pq: true,
    lines: [
      ["j", "hello"],
      ["i", "~late"],
      ["i", "hi"],
      ["j", "off", false],
      ["i", "still on"],
      ["j", "now off", false],
    ],
  },
]

/**
 * Everything in `test/vectors/ratchet.json`, computed by one back end. Bytes are hex, states in the reference's JSON form;
 * all private keys are given, so that every value can be computed from others.
 */
export function ownVectors(crypto: CryptoBackend): Record<string, unknown> {
  const c = { crypto, kem: createSntrup761(crypto) }
  return {
    about: "Made by packages/ratchet/test/write-vectors.ts; both back ends must give exactly this file.",
    kem: kemVector(c),
    conversations: CONVERSATIONS.map(({ name, version, pq, lines }) => conversation(c, name, version, pq, lines)),
  }
}

function kemVector({ kem }: RatchetCrypto): Record<string, string> {
  const { publicKey, secretKey } = kem.generateKeyPair()
  const { ciphertext, sharedSecret } = kem.encapsulate(publicKey)
  const changed = ciphertext.slice()
  changed[0] = (changed[0] ?? 0) ^ 1
  return {
    publicKey: toHex(publicKey),
    secretKey: toHex(secretKey),
    ciphertext: toHex(ciphertext),
    sharedSecret: toHex(sharedSecret),
    secretOfChangedFirstByte: toHex(kem.decapsulate(secretKey, changed)),
  }
}

/** A key pair whose private key counts up from `first`, as in ratchet.md §11. */
function counted({ crypto }: RatchetCrypto, first: number): KeyPair<"x448"> {
  const secret = privateKey(
    "x448",
    Uint8Array.from({ length: 56 }, (_, i) => first + i),
  )
  return { privateKey: secret, publicKey: crypto.publicKeyOf(secret) }
}

function conversation(
  c: RatchetCrypto,
  name: string,
  version: number,
  pq: boolean,
  lines: readonly Line[],
): Record<string, unknown> {
  const r: OwnKeys = { ...proposeKeys(c, pq), key1: counted(c, 0x30), key2: counted(c, 0x40) }
  const invitation = publicInvitation(r, { min: 2, max: version })
  const s: OwnKeys = { ...joinerKeys(c, invitation, version, pq), key1: counted(c, 0x10), key2: counted(c, 0x20) }
  const params = publicParams(s, version)
  const secrets = x3dhJoiner(c, s, invitation)
  if (toHex(x3dhInitiator(c, r, params).rootKey) !== toHex(secrets.rootKey)) throw new Error("sides differ")
  const sides: Record<"j" | "i", { state: Ratchet; skipped: SkippedKeys }> = {
    j: {
      state: joinRatchet(c, s, invitation, { current: version, max: version }, counted(c, 0x50)),
      skipped: NO_SKIPPED,
    },
    i: { state: acceptRatchet(c, r, params, version, pq), skipped: NO_SKIPPED },
  }
  return {
    name,
    version,
    privateKeys: { s1: key(s.key1), s2: key(s.key2), r1: key(r.key1), r2: key(r.key2) },
    invitation: formatE2eInvitation(invitation),
    params: toHex(encodeE2eParams(params)),
    kemSecret: secrets.accepted && toHex(secrets.accepted.sharedSecret),
    x3dh: {
      associatedData: toHex(secrets.associatedData),
      headerKey: toHex(secrets.headerKey),
      nextHeaderKey: toHex(secrets.nextHeaderKey),
      rootKey: toHex(secrets.rootKey),
    },
    joiner: ratchetToJson(sides.j.state),
    initiator: ratchetToJson(sides.i.state),
    ...exchange(c, sides, version, lines),
  }
}

function key({ privateKey }: KeyPair<"x448">): string {
  return toHex(privateKey.raw)
}

function exchange(
  c: RatchetCrypto,
  sides: Record<"j" | "i", { state: Ratchet; skipped: SkippedKeys }>,
  version: number,
  lines: readonly Line[],
): Record<string, unknown> {
  const late: { to: "j" | "i"; text: string; packet: Uint8Array }[] = []
  const receive = (to: "j" | "i", text: string, packet: Uint8Array): unknown => {
    const result = decrypt(c, sides[to].state, sides[to].skipped, packet)
    if (!result.ok || toHex(result.message) !== toHex(utf8(text))) throw new Error("not decrypted")
    sides[to] = { state: result.state, skipped: applySkipped(sides[to].skipped, result.skipped) }
    return { ...ratchetToJson(result.state) }
  }
  const steps = lines.map(([by, text, pq]) => {
    const from = sides[by]
    const { state, key, pq: protectedByKem } = prepareMessage(c, from.state, { pq, maxVersion: version })
    const packet = encryptBody(c, key, utf8(text), 100)
    const headerKey = toHex(from.state.sending?.headerKey ?? new Uint8Array())
    sides[by] = { ...from, state }
    const to = by === "j" ? "i" : "j"
    const kept = text.startsWith("~")
    if (kept) late.push({ to, text, packet })
    return {
      by: by === "j" ? "joiner" : "initiator",
      text,
      pqChoice: pq,
      pq: protectedByKem,
      headerKey,
      messageKey: toHex(key.messageKey),
      messageIv: toHex(key.iv),
      packet: toHex(packet),
      receiverAfter: kept ? undefined : receive(to, text, packet),
    }
  })
  for (const { to, text, packet } of late) receive(to, text, packet)
  return { steps, lateMessages: late.map(({ text }) => text) }
}
