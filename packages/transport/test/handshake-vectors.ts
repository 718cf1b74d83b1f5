import type { AnyPrivateKey, KeyPair, PrivateKey } from "@sluice/crypto/keys"
import { decodePrivateKey } from "@sluice/crypto/keys"
import { nativeCrypto } from "@sluice/crypto/native"
import { fromHex, toHex } from "@sluice/encoding/bytes"
import { vectors } from "../../../test/vectors.ts"
import { BlockCipher } from "../src/block-cipher.ts"
import { type Credentials, type LeafKey, serverCredentials } from "../src/credentials.ts"
import type { SessionParams } from "../src/session.ts"

/** The parts of the vector files that are about handshakes, as they stand in the JSON. */
export interface VectorKey {
  readonly pub: string
  readonly priv: string
}

export interface VectorBlock {
  readonly length: number
  readonly sha256: string
  readonly content: string
}

export interface VectorParams {
  readonly error?: string
  readonly version: number
  readonly range: [number, number]
  readonly implySessId: boolean
  readonly serviceAuth: boolean
  readonly sessSecret: string | null
  readonly service: string | { readonly serviceId: string; readonly certHash: string } | null
  readonly encryptBlock: { readonly sndChainKey: string; readonly rcvChainKey: string } | null
}

export interface VectorService {
  readonly role: "M" | "N" | "P"
  readonly chain: string[]
  readonly leafKey: VectorKey
  readonly sessionKey: VectorKey
  readonly certificateSentInTls: boolean
  readonly tlsChain: string[]
}

export interface VectorHandshake {
  readonly name: string
  readonly serverIdentity: string
  readonly sessionId: string
  readonly clientSessionId: string
  readonly alpn: string | null
  readonly serverRange: [number, number]
  readonly clientRange: [number, number]
  readonly proxyServer: boolean
  readonly clientKeyHash: string
  readonly serverSessionKey: VectorKey
  readonly clientSessionKey: VectorKey | null
  readonly service: VectorService | null
  readonly serverBlocks: VectorBlock[]
  readonly clientBlocks: VectorBlock[]
  readonly server: VectorParams
  readonly client: VectorParams
}

export interface CraftedHello {
  readonly name: string
  readonly sessionId: string
  readonly serverSessionKey: VectorKey
  readonly clientHello: string
  readonly serverBlocks: number
  readonly server: VectorParams
}

export interface HandshakeFile {
  readonly serverIdentities: {
    readonly alg: string
    readonly leafKey: VectorKey
    readonly chain: string[]
    readonly keyHash: string
  }[]
  readonly handshakes: VectorHandshake[]
  readonly craftedClientHello: CraftedHello[]
}

/** The two files with handshakes: what made them, the server's range there, and when clients send a service of role M. */
export const HANDSHAKE_FILES: readonly {
  readonly file: string
  readonly range: { readonly min: number; readonly max: number }
  readonly messagingServiceFrom: number
  readonly content: HandshakeFile | undefined
}[] = [
  {
    file: "transport.json",
    range: { min: 6, max: 18 },
    messagingServiceFrom: 16,
    content: vectors<HandshakeFile>("transport.json"),
  },
  {
    file: "smp-commands-v20.json",
    range: { min: 6, max: 20 },
    messagingServiceFrom: 19,
    content: vectors<HandshakeFile>("smp-commands-v20.json"),
  },
]

/** Private key of a vector, which must be of the given algorithm. */
export function privateKeyOf<A extends AnyPrivateKey["algorithm"]>(key: VectorKey, algorithm: A): PrivateKey<A> {
  const decoded: AnyPrivateKey = decodePrivateKey(fromHex(key.priv))
  if (decoded.algorithm !== algorithm) throw new Error("vector has a key of another algorithm")
  return decoded as PrivateKey<A>
}

export function pairOf<A extends "x25519" | "ed25519">(key: VectorKey, algorithm: A): KeyPair<A> {
  const privateKey = privateKeyOf(key, algorithm)
  return { privateKey, publicKey: nativeCrypto.publicKeyOf(privateKey) }
}

export function leafKeyOf(key: VectorKey): LeafKey {
  return decodePrivateKey(fromHex(key.priv)) as LeafKey
}

/** Credentials of the file's server with this algorithm. */
export function identityOf(file: HandshakeFile, alg: string): Credentials {
  const identity = file.serverIdentities.find((candidate) => candidate.alg === alg)
  if (identity === undefined) throw new Error("vector names an unknown identity")
  return serverCredentials(nativeCrypto, identity.chain.map(fromHex), leafKeyOf(identity.leafKey))
}

/** Session parameters in the form of the vectors; the service is left out. */
export function describeParams(params: SessionParams): Omit<VectorParams, "service"> {
  const codec = params.blockCodec
  return {
    version: params.version,
    range: [params.range.min, params.range.max],
    implySessId: params.implySessionId,
    serviceAuth: params.serviceSignatures,
    sessSecret: params.sessionSecret === undefined ? null : toHex(params.sessionSecret),
    encryptBlock:
      codec instanceof BlockCipher
        ? { sndChainKey: toHex(codec.chains.send), rcvChainKey: toHex(codec.chains.receive) }
        : null,
  }
}
