import { createHash, timingSafeEqual } from "node:crypto"
import type { Secret } from "./secret.ts"

/** What a token must be to travel in a header and not to be guessed: 16 random bytes in base64url are 22 characters. */
export const TOKEN_RULES: { readonly pattern: RegExp; readonly minLength: number; readonly allowed: string } = {
  pattern: /^[\x21-\x7e]{20,512}$/,
  minLength: 20,
  allowed: "20 to 512 printable ASCII characters without spaces",
}

/** Whether an `Authorization` header carries this bearer token. Takes the same time for every wrong one. */
export function hasBearerToken(header: string | undefined, token: Secret): boolean {
  const given = /^Bearer ([\x21-\x7e]{1,512})$/i.exec(header ?? "")?.[1] ?? ""
  // Digests have the same length whatever was given, which the comparison needs.
  return timingSafeEqual(digest(given), digest(token.reveal()))
}

function digest(text: string): Uint8Array {
  return createHash("sha256").update(text).digest()
}
