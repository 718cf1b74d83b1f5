import type { Version, VersionRange } from "@sluice/encoding/version"

/** End-to-end encryption versions that change something (ratchet.md, first paragraph). */
export const E2E_VERSION = {
  /** A key derivation in X3DH; the oldest that is still spoken. */
  KDF_X3DH: 2,
  /** Post-quantum KEM, and headers with a 2-byte length. */
  PQ: 3,
} as const

/** What this package speaks. */
export const E2E_RANGE: VersionRange = { min: E2E_VERSION.KDF_X3DH, max: E2E_VERSION.PQ }

/** Whether parameters and headers of this version may hold a KEM part. */
export function hasKem(version: Version): boolean {
  return version >= E2E_VERSION.PQ
}
