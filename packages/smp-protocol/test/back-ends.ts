import type { CryptoBackend } from "@sluice/crypto/backend"
import { nativeCrypto } from "@sluice/crypto/native"
import { portableCrypto } from "@sluice/crypto/portable"

/** Everything that encrypts, signs or hashes is tested on both. */
export const backEnds: readonly CryptoBackend[] = [nativeCrypto, portableCrypto]
