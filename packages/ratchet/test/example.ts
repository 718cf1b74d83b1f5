import { nativeCrypto } from "@sluice/crypto/native"
import { createSntrup761 } from "@sluice/crypto/sntrup761"
import { decrypt } from "@sluice/ratchet/decrypt"
import { decodeE2eParams, encodeE2eParams } from "@sluice/ratchet/e2e-params"
import { formatE2eInvitation, parseE2eInvitation } from "@sluice/ratchet/e2e-uri"
import { encrypt } from "@sluice/ratchet/encrypt"
import { acceptRatchet, joinRatchet } from "@sluice/ratchet/init"
import { joinerKeys, proposeKeys, publicInvitation, publicParams } from "@sluice/ratchet/keys"
import type { RatchetCrypto } from "@sluice/ratchet/primitives"
import { NO_SKIPPED } from "@sluice/ratchet/skipped"
import { E2E_RANGE } from "@sluice/ratchet/versions"

/** One message from the party that joins to the party that invited, with post-quantum secrets. */
export function firstMessage(text: string): string {
  const c: RatchetCrypto = { crypto: nativeCrypto, kem: createSntrup761(nativeCrypto) }

  // Alice invites; her private keys wait in her store.
  const alice = proposeKeys(c, true)
  const invitation = formatE2eInvitation(publicInvitation(alice, E2E_RANGE))

  // Bob joins. He saves the ratchet before the packet leaves.
  const peer = parseE2eInvitation(invitation)
  const bob = joinerKeys(c, peer, 3, true)
  const bobRatchet = joinRatchet(c, bob, peer, { current: 3, max: E2E_RANGE.max })
  const { packet } = encrypt(c, bobRatchet, new TextEncoder().encode(text), 1000)
  const params = encodeE2eParams(publicParams(bob, 3))

  // Alice gets both, and saves her ratchet together with the message.
  const aliceRatchet = acceptRatchet(c, alice, decodeE2eParams(params), E2E_RANGE.max, true)
  const result = decrypt(c, aliceRatchet, NO_SKIPPED, packet)
  if (!result.ok) throw new Error(result.problem.code)
  return new TextDecoder().decode(result.message)
}
