import { readKey, writeKey, type X25519Key } from "@sluice/crypto/keys"
import { readPassword, writePassword } from "@sluice/encoding/password"
import { readServer, type Server, writeServer } from "@sluice/encoding/server-address"
import type { Version } from "@sluice/encoding/version"
import type { Codec } from "./codec.ts"

/** `PRXY`: asks a proxy for a session with a relay (proxy.md §4). */
export interface PrxyCommand {
  readonly tag: "PRXY"
  readonly server: Server
  /** Password of the proxy. */
  readonly password?: string | undefined
}

/** `PFWD`: a command for the relay, encrypted for it; the entity is the session id of `PKEY` (proxy.md §5). */
export interface PfwdCommand {
  readonly tag: "PFWD"
  /** Version of the transmission inside. */
  readonly version: Version
  /** The client's key for this one request. */
  readonly key: X25519Key
  /** 16242 bytes: the layer between client and relay. */
  readonly request: Uint8Array
}

/** `RFWD`: a forwarded command, encrypted once more between proxy and relay. */
export interface RfwdCommand {
  readonly tag: "RFWD"
  /** 16330 bytes: the layer between proxy and relay. */
  readonly request: Uint8Array
}

export const prxyCodec: Codec<PrxyCommand> = {
  read(r) {
    r.space("PRXY")
    return { tag: "PRXY", server: readServer(r), password: r.maybe((item) => readPassword(item), "password") }
  },
  write(w, c) {
    writeServer(w.space(), c.server)
    w.maybe(c.password, writePassword)
  },
}

export const pfwdCodec: Codec<PfwdCommand> = {
  read(r) {
    r.space("PFWD")
    return { tag: "PFWD", version: r.u16("version"), key: readKey(r, "x25519", "client key"), request: r.tail() }
  },
  write(w, c) {
    writeKey(w.space().u16(c.version), c.key)
    w.raw(c.request)
  },
}

export const rfwdCodec: Codec<RfwdCommand> = {
  read(r) {
    r.space("RFWD")
    return { tag: "RFWD", request: r.tail() }
  },
  write(w, c) {
    w.space().raw(c.request)
  },
}
