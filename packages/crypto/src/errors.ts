/** What can go wrong in this package apart from undecodable bytes (those are a `DecodeError` of `@sluice/encoding`). */
export type CryptoProblem =
  /** A Diffie-Hellman result would be all zero: the peer sent a point of low order. Answer with the protocol's AUTH. */
  | "LOW_ORDER_POINT"
  /** A key, nonce or output buffer has a length that its algorithm does not have. A mistake of the caller. */
  | "WRONG_LENGTH"
  /** A key of one algorithm was given where another is needed. A mistake of the caller. */
  | "WRONG_ALGORITHM"

/** The one error that cryptographic operations throw. Its text is fixed: it never holds key, message or peer bytes. */
export class CryptoError extends Error {
  override readonly name = "CryptoError"
  readonly problem: CryptoProblem

  constructor(problem: CryptoProblem, message: string) {
    super(message)
    this.problem = problem
  }
}

/** Throws `WRONG_LENGTH` unless `bytes` has exactly `length` bytes. `what` names the argument, never its content. */
export function requireLength(bytes: Uint8Array, length: number, what: string): void {
  if (bytes.length !== length) throw new CryptoError("WRONG_LENGTH", `${what} must be ${length} bytes long`)
}

/** Checks the 32-byte key and the 24-byte nonce of a box. */
export function requireBox(key: Uint8Array, nonce: Uint8Array): void {
  requireLength(key, 32, "box key")
  requireLength(nonce, 24, "nonce")
}

/** Checks the 32-byte key and the IV, 16 or 12 bytes, of AES-256-GCM. */
export function requireAes(key: Uint8Array, iv: Uint8Array): void {
  requireLength(key, 32, "AES key")
  if (iv.length !== 12) requireLength(iv, 16, "IV")
}

/** Checks how much is asked of HKDF-SHA-512: its counter is one byte, so at most 255 hashes of 64 bytes. */
export function requireHkdfLength(length: number): void {
  if (!(length >= 1 && length <= 255 * 64)) throw new CryptoError("WRONG_LENGTH", "HKDF gives 1 to 16320 bytes")
}
