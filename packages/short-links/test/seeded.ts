import type { CryptoBackend } from "@sluice/crypto/backend"
import { createPortableCrypto } from "@sluice/crypto/portable"

/** A back end whose random bytes are the same every time: 1, 2, 3 and so on, modulo 251. */
export function seededCrypto(start: number = 0): CryptoBackend {
  let next = start
  return createPortableCrypto({
    random: (into) => {
      for (let i = 0; i < into.length; i++) into[i] = ++next % 251
    },
  })
}
