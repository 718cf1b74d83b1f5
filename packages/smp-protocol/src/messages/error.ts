import { bare, type Codec } from "../commands/codec.ts"
import { readSmpError, writeSmpError } from "../error-wire.ts"
import { type SmpError, versioned } from "../errors.ts"

/** `ERR`: the command failed, or something could not be read. */
export interface ErrMessage {
  readonly tag: "ERR"
  readonly error: SmpError
}

/** `PONG`: answer to `PING`. */
export interface PongMessage {
  readonly tag: "PONG"
}

export const pongCodec: Codec<PongMessage> = bare({ tag: "PONG" })

export const errCodec: Codec<ErrMessage> = {
  read(r) {
    r.space("ERR")
    return { tag: "ERR", error: readSmpError(r) }
  },
  write: (w, m, v) => writeSmpError(w.space(), versioned(m.error, v)),
}
