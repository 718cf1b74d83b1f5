import type { CryptoBackend } from "@sluice/crypto/backend"
import { fingerprint } from "@sluice/crypto/x509"
import {
  type CertificateChain,
  type ChainProblem,
  chainProblem,
  parseClientChain,
  parseServerChain,
} from "@sluice/crypto/x509-chain"
import { equalBytes } from "@sluice/encoding/bytes"
import { orAbsent } from "./or-absent.ts"

/** Why a certificate chain is refused. */
export type ChainRejection =
  /** Too few or too many certificates, or one that does not parse. */
  | "MALFORMED"
  /** The identity is not the one in the server's address. */
  | "UNKNOWN_CA"
  | ChainProblem

/**
 * Validates the chain of a server as its clients do: 2 to 4 certificates, fingerprint of the second, then the path to the
 * last one (transport.md §2.4). Host names are not looked at. `now` is in Unix seconds. `undefined` if all holds.
 */
export function validateServerChain(
  c: CryptoBackend,
  ders: readonly Uint8Array[],
  keyHash: Uint8Array,
  now: number,
): ChainRejection | undefined {
  const chain = orAbsent(() => parseServerChain(ders))
  if (chain === undefined) return "MALFORMED"
  if (!equalBytes(fingerprint(c, chain.identity.der), keyHash)) return "UNKNOWN_CA"
  return chainProblem(c, chain, now)
}

/** Validates the chain of a client that is a service: 1 (self-signed) to 4 certificates. `undefined` if all holds. */
export function validateClientChain(
  c: CryptoBackend,
  ders: readonly Uint8Array[],
  now: number,
): ChainRejection | undefined {
  const chain = orAbsent<CertificateChain>(() => parseClientChain(ders))
  return chain === undefined ? "MALFORMED" : chainProblem(c, chain, now)
}
