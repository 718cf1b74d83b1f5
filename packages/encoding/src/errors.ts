/**
 * Input that is not a valid encoding. The message names the field and the rule that was broken; it never contains
 * bytes of the input, so it is safe to log.
 */
export class DecodeError extends Error {
  override readonly name = "DecodeError"
}

/**
 * A value that has no encoding: too long for its length prefix, out of range, or not in the alphabet.
 * This is a mistake of the caller (or a limit not checked earlier), never the fault of the peer.
 */
export class EncodeError extends Error {
  override readonly name = "EncodeError"
}
