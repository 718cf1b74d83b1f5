import type { CryptoBackend } from "@sluice/crypto/backend"
import { CryptoError } from "@sluice/crypto/errors"
import type { PrivateKey, X25519Key } from "@sluice/crypto/keys"
import type { CommandTag } from "@sluice/smp-protocol/commands"
import { SmpClientError } from "./client-error.ts"

/**
 * X25519 secret, 32 bytes, with a key that the server chose. Throws `SmpClientError` "CRYPTO" for a key that gives no
 * secret (a point of low order).
 */
export function secretWithServer(
  c: CryptoBackend,
  own: PrivateKey<"x25519">,
  server: X25519Key,
  command: CommandTag,
): Uint8Array {
  try {
    return c.diffieHellman(own, server)
  } catch (error) {
    if (error instanceof CryptoError) throw new SmpClientError({ code: "CRYPTO", command }, { cause: error })
    throw error
  }
}
