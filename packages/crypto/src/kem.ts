/** Bytes of an sntrup761 public key. */
export const KEM_PUBLIC_KEY_SIZE = 1158
/** Bytes of an sntrup761 secret key. */
export const KEM_SECRET_KEY_SIZE = 1763
/** Bytes of an sntrup761 ciphertext. */
export const KEM_CIPHERTEXT_SIZE = 1039
/** Bytes of the secret that both sides get. */
export const KEM_SHARED_SECRET_SIZE = 32

/** Both halves of a key of the KEM. */
export interface KemKeyPair {
  /** 1158 bytes. */
  readonly publicKey: Uint8Array
  /** 1763 bytes; it contains the public key. */
  readonly secretKey: Uint8Array
}

/** What the side without the secret key gets. */
export interface Encapsulation {
  /** 1039 bytes, for the holder of the secret key. */
  readonly ciphertext: Uint8Array
  /** 32 bytes, used as they are. */
  readonly sharedSecret: Uint8Array
}

/**
 * A key encapsulation mechanism with the sizes of sntrup761 (crypto.md §7). Wrong lengths throw `CryptoError`
 * "WRONG_LENGTH"; nothing else that a peer can send makes it throw.
 */
export interface Kem {
  generateKeyPair(): KemKeyPair
  encapsulate(publicKey: Uint8Array): Encapsulation
  /**
   * 32 bytes. A ciphertext that was not made for this key gives a secret that looks random and that nobody else knows
   * (implicit rejection), never an error.
   */
  decapsulate(secretKey: Uint8Array, ciphertext: Uint8Array): Uint8Array
}
