import { argon2 } from "node:crypto"
import { utf8 } from "@sluice/encoding/bytes"

/** What it costs to make a key out of a password; larger makes guessing dearer. */
export interface PasswordCost {
  /** Memory in KiB, at least 8 for each lane. */
  readonly memoryKiB: number
  readonly passes: number
  readonly lanes: number
}

/** The second recommendation of RFC 9106 §4: 64 MiB, 3 passes, 4 lanes; some 100 ms. */
export const DEFAULT_PASSWORD_COST: PasswordCost = { memoryKiB: 65_536, passes: 3, lanes: 4 }

/** Bytes of salt to make for each password. */
export const PASSWORD_SALT_SIZE = 16

/**
 * A key of `length` bytes out of a password: Argon2id (RFC 9106), computed off the event loop. `salt` has 8 bytes or more.
 */
export function passwordKey(
  password: string | Uint8Array,
  salt: Uint8Array,
  length: number,
  cost: PasswordCost = DEFAULT_PASSWORD_COST,
): Promise<Uint8Array> {
  const parameters = {
    message: typeof password === "string" ? utf8(password.normalize("NFC")) : password,
    nonce: salt,
    parallelism: cost.lanes,
    tagLength: length,
    memory: cost.memoryKiB,
    passes: cost.passes,
  }
  return new Promise((resolve, reject) => {
    argon2("argon2id", parameters, (error, key) => {
      if (error === null) resolve(new Uint8Array(key))
      else reject(error)
    })
  })
}
