import { makeAuthenticator, verifyAuthenticator } from "@sluice/crypto/authenticator"
import type { CryptoBackend } from "@sluice/crypto/backend"
import { DELIVERED_LENGTH, encryptDeliveredInto } from "@sluice/smp-protocol/delivered-body"
import { BlockCipher, blockChains } from "@sluice/transport/block-cipher"
import type { Ceiling } from "./ceilings.ts"
import { type Figure, measure } from "./measure.ts"

/** One line of the table: an operation of the relay and the ceiling that it is held against. */
export interface Line {
  readonly name: string
  readonly figure: Figure
  readonly ceiling: Ceiling
}

/** The operations of a message's way through the relay that are cryptography. */
export function* cryptoLines(c: CryptoBackend): Generator<Line> {
  const secret = new Uint8Array(32).fill(1)
  const nonce = new Uint8Array(24).fill(2)
  const content = new Uint8Array(16_000).fill(3)
  const transmission = new Uint8Array(200).fill(4)
  const server = new BlockCipher(c, blockChains(c, "server", secret, secret))
  yield {
    name: "block: step the chain, pad, encrypt",
    figure: measure(() => server.encode([content])),
    ceiling: "seal 16 KB (secretbox)",
  }
  // A block decrypts once, in its own order, so sender and receiver go together and the sender's share is taken off.
  const sending = new BlockCipher(c, blockChains(c, "client", secret, secret))
  const receiving = new BlockCipher(c, blockChains(c, "server", secret, secret))
  const both = measure(() => receiving.decode(sending.encode([content])))
  const alone = measure(() => sending.encode([content]))
  yield {
    name: "block: step the chain, decrypt, un-pad",
    figure: minus(both, alone),
    ceiling: "open 16 KB (secretbox)",
  }
  const key = c.boxKey(secret)
  const message = { kind: "message", timestamp: 1_700_000_000, notify: true, body: content } as const
  const out = new Uint8Array(DELIVERED_LENGTH)
  yield {
    name: "NaCl box of a delivered body",
    figure: measure(() => encryptDeliveredInto(c, key, nonce, message, out)),
    ceiling: "seal 16 KB (secretbox)",
  }
  const signer = c.generateKeyPair("ed25519")
  const signature = c.sign(signer.privateKey, transmission)
  yield {
    name: "authorization: verify Ed25519",
    figure: measure(() => c.verify(signer.publicKey, transmission, signature)),
    ceiling: "Ed25519 verify, 200 bytes",
  }
  yield {
    name: "authorization: sign Ed25519",
    figure: measure(() => c.sign(signer.privateKey, transmission)),
    ceiling: "Ed25519 sign, 200 bytes",
  }
  const goldilocks = c.generateKeyPair("ed448")
  const longSignature = c.sign(goldilocks.privateKey, transmission)
  yield {
    name: "authorization: verify Ed448",
    figure: measure(() => c.verify(goldilocks.publicKey, transmission, longSignature)),
    ceiling: "Ed448 verify, 200 bytes",
  }
  const authenticator = makeAuthenticator(c, key, nonce, transmission)
  yield {
    name: "authorization: X25519, box key kept",
    figure: measure(() => verifyAuthenticator(c, key, nonce, transmission, authenticator)),
    ceiling: "authenticator check, key cached",
  }
  const longest = new Uint8Array(16_200).fill(5)
  const longAuthenticator = makeAuthenticator(c, key, nonce, longest)
  yield {
    name: "authorization of a SEND of 16 KB, key kept",
    figure: measure(() => verifyAuthenticator(c, key, nonce, longest, longAuthenticator)),
    ceiling: "SHA-512 of 16 KB",
  }

  const peer = c.generateKeyPair("x25519")
  const own = c.generateKeyPair("x25519")
  yield {
    name: "authorization: X25519 secret, first time",
    figure: measure(() => c.diffieHellman(own.privateKey, peer.publicKey)),
    ceiling: "X25519 shared secret",
  }
}

function minus(a: Figure, b: Figure): Figure {
  return { median: a.median - b.median, low: a.low - b.high, high: a.high - b.low }
}
