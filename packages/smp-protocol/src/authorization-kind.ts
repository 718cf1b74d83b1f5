/** How a transmission is authorized: the algorithm of the key, or not at all. */
export type AuthorizationKind = "none" | "ed25519" | "ed448" | "x25519"

/** Bytes of an authorization of each kind; nothing else tells the kinds apart (encoding.md §1.5). */
export const AUTHORIZATION_LENGTH = { none: 0, ed25519: 64, x25519: 80, ed448: 114 } as const

/** Kind of an authorization by its length, `undefined` for a length that none has. */
export function authorizationKind(authorization: Uint8Array): AuthorizationKind | undefined {
  switch (authorization.length) {
    case AUTHORIZATION_LENGTH.none:
      return "none"
    case AUTHORIZATION_LENGTH.ed25519:
      return "ed25519"
    case AUTHORIZATION_LENGTH.x25519:
      return "x25519"
    case AUTHORIZATION_LENGTH.ed448:
      return "ed448"
    default:
      return undefined
  }
}
