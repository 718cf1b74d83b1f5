/**
 * What this kind of machine can do per operation, microseconds, measured with nothing around it: the libraries called
 * directly, in a loop, on the same processor generation. They move by 30 to 40 % from run to run; the ratio is what counts.
 */
export const CEILINGS = {
  "seal 16 KB (secretbox)": 26,
  "open 16 KB (secretbox)": 31,
  "Ed25519 sign, 200 bytes": 27,
  "Ed25519 verify, 200 bytes": 60,
  "Ed448 verify, 200 bytes": 359,
  "X25519 shared secret": 42,
  "authenticator check, key cached": 3.4,
  "TLS echo of 16 KB": 35,
  "SHA-512 of 16 KB": 22,
  "LMDB put 16 KB, 64 in flight, durable": 24,
  "LMDB get 200 B": 2.0,
} as const satisfies Readonly<Record<string, number>>

export type Ceiling = keyof typeof CEILINGS
