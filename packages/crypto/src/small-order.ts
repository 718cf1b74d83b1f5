import { toHex } from "@sluice/encoding/bytes"

const P_MINUS_1 = `fe${"ff".repeat(27)}fe${"ff".repeat(27)}`

/**
 * All Ed448 public keys of small order (1, 2 and 4; the curve has no others), as their one canonical encoding: y is
 * 1, -1, or 0 with either sign. A signature by such a key holds for one message in four without any private key.
 */
const SMALL_ORDER_ED448: ReadonlySet<string> = new Set([
  `01${"00".repeat(56)}`,
  `${P_MINUS_1}00`,
  "00".repeat(57),
  `${"00".repeat(56)}80`,
])

/** Whether a raw Ed448 public key (57 bytes) has small order. The portable library and libsodium check by themselves. */
export function isSmallOrderEd448(raw: Uint8Array): boolean {
  // Cheap test first: in all four, the bytes between the first and the middle are the same.
  return raw[1] === raw[2] && SMALL_ORDER_ED448.has(toHex(raw))
}
