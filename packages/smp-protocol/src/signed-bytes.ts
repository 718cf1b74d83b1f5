import { concatBytes, EMPTY } from "@sluice/encoding/bytes"

/**
 * What an authorization covers: `short session id ‖ short corrId ‖ short entityId ‖ command` (smp.md §3.1).
 *
 * From v7 the session id is not sent, so these bytes are nowhere in one piece. Signatures and hashes want one piece, and
 * copying a 16 KB transmission to put 33 bytes in front of it is waste. But what stands in front of it in its block is
 * its own length and authorization, 67 bytes and more, of no more use once they were read and copied: where the owner of
 * the buffer allows it, the prefix is written there. Nothing before the transmission and nothing after its header is
 * touched, and if the room does not suffice (an empty authorization, or an extraordinarily long session id) the bytes are
 * concatenated instead.
 *
 * Every method may be called any number of times, in any order; results are views that live as long as the buffer.
 */
export class SignedBytes {
  readonly #prefix: Uint8Array
  readonly #sent: Uint8Array
  readonly #room: number

  /**
   * `sent` are the transmitted bytes after authorization and service signature. `prefix` is the short session id, or
   * empty if it was sent (v6). `room` is the number of bytes before `sent`, in the same buffer, that may be overwritten.
   */
  constructor(prefix: Uint8Array, sent: Uint8Array, room: number) {
    this.#prefix = prefix
    this.#sent = sent
    this.#room = room
  }

  /** The bytes under the authorization of a connection without service, and under every service signature. */
  bytes(): Uint8Array {
    return this.#prefixed(EMPTY)
  }

  /**
   * The bytes under the authorization of `NEW`, `SUB` and `NSUB` in a service connection: the 32-byte fingerprint of the
   * service's identity certificate comes first.
   */
  withFingerprint(fingerprint: Uint8Array): Uint8Array {
    return this.#prefixed(fingerprint)
  }

  #prefixed(front: Uint8Array): Uint8Array {
    const prefix = this.#prefix
    const sent = this.#sent
    const length = front.length + prefix.length
    if (length === 0) return sent
    if (length > this.#room) return concatBytes(front, prefix, sent)
    const whole = new Uint8Array(sent.buffer, sent.byteOffset - length, length + sent.length)
    whole.set(front)
    whole.set(prefix, front.length)
    return whole
  }
}
