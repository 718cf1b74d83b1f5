import { decodePublicKey, encodePublicKey, keyForPlace } from "@sluice/crypto/keys"
import { DecodeError } from "@sluice/encoding/errors"
import { parseWhole, TextReader } from "@sluice/encoding/strings"
import { parseBase64 } from "./base64.ts"

/** Bytes of an X25519 secret. */
const SECRET = 32

/**
 * Reads one line of a log, without its line feed, from front to back. Fields are separated by exactly one space; every
 * method consumes its form or throws `DecodeError`, whose message never holds anything of the line.
 */
export class LineReader extends TextReader {
  readonly #line: string

  constructor(line: string) {
    super(line)
    this.#line = line
  }

  /** The characters up to the next space or the end, possibly none. */
  word(): string {
    const space = this.#line.indexOf(" ", this.offset)
    return this.#take(space < 0 ? this.#line.length : space)
  }

  /** Everything that is left, possibly nothing. */
  rest(): string {
    return this.#take(this.#line.length)
  }

  /** What is left, without consuming it. */
  peekRest(): string {
    return this.#line.slice(this.offset)
  }

  /** Consumes the text if it comes next. */
  skip(expected: string): boolean {
    if (!this.#line.startsWith(expected, this.offset)) return false
    this.literal(expected, "field")
    return true
  }

  /** One base64url token, at least one byte. */
  override bytes(): Uint8Array {
    return parseBase64(this.word())
  }

  /** A space, then a token. */
  nextBytes(field: string): Uint8Array {
    this.space(field)
    return this.bytes()
  }

  /** A token that may be empty. */
  bytesOrNone(): Uint8Array {
    const word = this.word()
    return word === "" ? new Uint8Array(0) : parseBase64(word)
  }

  /** A result of X25519, 32 bytes. */
  secret(): Uint8Array {
    const secret = this.bytes()
    if (secret.length !== SECRET) throw new DecodeError("DH secret: not 32 bytes")
    return secret
  }

  /** The DER of a key that authorizes commands: Ed25519, Ed448 or X25519. */
  authKey(): Uint8Array {
    return authKey(this.bytes())
  }

  /** One or more such keys, joined by commas. */
  authKeys(): Uint8Array[] {
    return parseWhole(this.word(), (r) => r.nonEmpty((item) => authKey(item.bytes())))
  }

  #take(end: number): string {
    const taken = this.#line.slice(this.offset, end)
    this.literal(taken, "field")
    return taken
  }
}

/** Reads a whole line. */
export function parseLine<T>(line: string, read: (r: LineReader) => T): T {
  const r = new LineReader(line)
  const value = read(r)
  r.end()
  return value
}

function authKey(der: Uint8Array): Uint8Array {
  return encodePublicKey(keyForPlace(decodePublicKey(der), "auth"))
}
