import { readName, writeName } from "../simplex-name.ts"
import type { Codec } from "./codec.ts"

/** `RSLV`: asks the server to resolve a name (smp.md §2.7), v20. */
export interface RslvCommand {
  readonly tag: "RSLV"
  /** A valid name in lower case; see `parseSimplexName` to take it apart. */
  readonly name: string
}

export const rslvCodec: Codec<RslvCommand> = {
  read(r) {
    r.space("RSLV")
    return { tag: "RSLV", name: readName(r) }
  },
  write: (w, c) => writeName(w.space(), c.name),
}
