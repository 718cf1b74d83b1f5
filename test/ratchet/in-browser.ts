// What browser.test.ts runs inside a browser; `vectors` is set there before.
import { portableCrypto } from "@sluice/crypto/portable"
import { createSntrup761 } from "@sluice/crypto/sntrup761"
import { fromHex, fromUtf8, toHex, utf8 } from "@sluice/encoding/bytes"
import { decrypt } from "@sluice/ratchet/decrypt"
import { encrypt } from "@sluice/ratchet/encrypt"
import { NO_SKIPPED } from "@sluice/ratchet/skipped"
import { ratchetFromJson } from "@sluice/ratchet/state-json"

/** The part of `test/vectors/ratchet.json` that is used. */
export interface RatchetVectors {
  readonly kem: { readonly secretKey: string; readonly ciphertext: string; readonly sharedSecret: string }
  readonly conversations: readonly {
    readonly name: string
    readonly joiner: unknown
    readonly initiator: unknown
    readonly steps: readonly { readonly text: string; readonly packet: string }[]
  }[]
}

/** What the browser found. */
export interface BrowserOutcome {
  readonly sharedSecret: string
  /** The first message of each conversation, and the answer that the joiner decrypted. */
  readonly texts: readonly { readonly name: string; readonly first: string; readonly answer: string }[]
}

const c = { crypto: portableCrypto, kem: createSntrup761(portableCrypto) }

export function run(vectors: RatchetVectors): BrowserOutcome {
  const { secretKey, ciphertext } = vectors.kem
  return {
    sharedSecret: toHex(c.kem.decapsulate(fromHex(secretKey), fromHex(ciphertext))),
    texts: vectors.conversations.map(({ name, joiner, initiator, steps }) => {
      const packet = fromHex(steps[0]?.packet ?? "")
      const received = decrypt(c, ratchetFromJson(c, initiator), NO_SKIPPED, packet)
      if (!received.ok) throw new Error(`${name}: ${received.problem.code}`)
      const reply = encrypt(c, received.state, utf8("from the browser"), 100)
      const answer = decrypt(c, ratchetFromJson(c, joiner), NO_SKIPPED, reply.packet)
      if (!answer.ok) throw new Error(`${name}: ${answer.problem.code}`)
      return { name, first: fromUtf8(received.message), answer: fromUtf8(answer.message) }
    }),
  }
}
