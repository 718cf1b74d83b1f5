import type { CryptoBackend } from "@sluice/crypto/backend"
import type { KeyPair, X25519Key } from "@sluice/crypto/keys"
import { signKey, verifySignedKey } from "@sluice/crypto/signed-object"
import { fingerprint, parseCertificate } from "@sluice/crypto/x509"
import { EMPTY, equalBytes } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import type { Version, VersionRange } from "@sluice/encoding/version"
import type { ServiceRole, SessionId } from "@sluice/smp-protocol/types"
import { CLIENT_RANGE, VERSION } from "@sluice/smp-protocol/versions"
import type { BlockStream } from "./block-stream.ts"
import type { Credentials } from "./credentials.ts"
import { protocolError } from "./errors.ts"
import { type ExchangeOptions, HandshakeExchange } from "./handshake-exchange.ts"
import { type CertifiedKey, decodeServerHello, decodeServiceResponse, encodeClientHello } from "./hello.ts"
import { type Agreed, negotiate, serviceVersion } from "./negotiation.ts"
import { orAbsent } from "./or-absent.ts"
import { agreeOnSecret, type ClientSession, type OwnService, sessionParams } from "./session.ts"

/** The service that a client connects as. */
export interface ServiceIdentity {
  readonly role: ServiceRole
  /** The same that the TLS connection was made with. */
  readonly credentials: Credentials
  /** Whether the server asked for a certificate in TLS; if not, ours was not sent and must not be claimed. */
  readonly sentInTls: boolean
  /** First version at which the hello names the service; default `serviceVersion(role)`. */
  readonly minVersion?: Version
  /** Key pair of this connection; tests fix it, otherwise a new one is made. */
  readonly sessionKey?: KeyPair<"ed25519">
}

/** What the client side of a handshake needs. */
export interface ClientHandshakeOptions extends ExchangeOptions {
  readonly crypto: CryptoBackend
  /** Fingerprint in the server's address, 32 bytes. */
  readonly keyHash: Uint8Array
  /** Channel binding of this connection. */
  readonly sessionId: SessionId
  /** DER of the server's certificates in TLS, leaf first. */
  readonly serverChain: readonly Uint8Array[]
  /** Versions that this client speaks; default `CLIENT_RANGE`. */
  readonly range?: VersionRange
  /** This client is an SMP proxy. */
  readonly proxyServer?: boolean
  /** Key pair of this connection; default a new one. `false`: none, so neither session secret nor block encryption. */
  readonly sessionKey?: KeyPair<"x25519"> | false
  readonly service?: ServiceIdentity
}

/** The server's hello after it was found good. */
export interface CheckedHello extends Agreed {
  /** What the server announced. */
  readonly serverRange: VersionRange
  readonly serverKey: X25519Key | undefined
  readonly certifiedServerKey: CertifiedKey | undefined
}

/**
 * Runs the client's side of the handshake on a stream without a handler (transport.md §3). Resolves with the session,
 * the stream paused: set a handler and resume. Rejects with `TransportError` after closing the connection.
 */
export async function clientHandshake(stream: BlockStream, options: ClientHandshakeOptions): Promise<ClientSession> {
  const { crypto: c, sessionId, proxyServer = false } = options
  const exchange = new HandshakeExchange(stream, options)
  try {
    const hello = checkServerHello(await exchange.receive(), options)
    const { version, range, serverKey, serverRange, certifiedServerKey } = hello
    const sessionKey = options.sessionKey === false ? undefined : (options.sessionKey ?? c.generateKeyPair("x25519"))
    const sessionSecret = agreeOnSecret(c, sessionKey, serverKey)
    if (sessionSecret === "weak") throw protocolError("HANDSHAKE BAD_AUTH")
    const service = serviceToSend(c, options.service, version)
    exchange.send(
      encodeClientHello({
        version,
        keyHash: options.keyHash,
        sessionKey: sessionKey?.publicKey,
        proxyServer,
        service: service && {
          role: service.role,
          chain: service.credentials.chain,
          signedKey: signKey(c, service.credentials.leafKey, service.sessionKey.publicKey),
        },
      }),
    )
    const params = sessionParams(c, "client", { version, range, sessionId, proxyServer, sessionSecret })
    const accepted = service && (await acceptedService(exchange, service))
    return { ...params, serverRange, serverKey, certifiedServerKey, sessionKey, service: accepted }
  } catch (error) {
    exchange.abandon()
    throw error
  } finally {
    exchange.release()
  }
}

/**
 * Checks the content of the server's hello and chooses the version, in the order of transport.md §3.2. Throws
 * `TransportError`: HANDSHAKE PARSE, SESSION, VERSION or HANDSHAKE BAD_AUTH.
 */
export function checkServerHello(
  content: Uint8Array,
  options: Pick<ClientHandshakeOptions, "crypto" | "keyHash" | "sessionId" | "serverChain" | "range" | "proxyServer">,
): CheckedHello {
  const { crypto: c, keyHash, range = CLIENT_RANGE, proxyServer = false } = options
  const hello = parsed(() => decodeServerHello(content))
  if (!equalBytes(hello.sessionId, options.sessionId)) throw protocolError("SESSION")
  const agreed = negotiate(range, hello.range, proxyServer)
  if (agreed === undefined) throw protocolError("VERSION")
  const certified = hello.key
  const serverKey = certified && certifiedKeyOf(c, certified, keyHash, options.serverChain[0] ?? EMPTY)
  if (certified !== undefined && serverKey === undefined) throw protocolError("HANDSHAKE BAD_AUTH")
  return { ...agreed, serverRange: hello.range, serverKey, certifiedServerKey: certified }
}

/**
 * The X25519 key that a server's chain vouches for, or `undefined` unless all holds: a chain of 2 to 4 certificates,
 * the fingerprint of the second, and a signature by the key of `leaf`, the certificate of the TLS connection. A client
 * behind a proxy has no TLS connection to the server and gives the first of the chain.
 */
export function certifiedKeyOf(
  c: CryptoBackend,
  { chain, signedKey }: CertifiedKey,
  keyHash: Uint8Array,
  leaf: Uint8Array,
): X25519Key | undefined {
  const [, identity] = chain
  if (identity === undefined || chain.length > 4 || !equalBytes(fingerprint(c, identity), keyHash)) return undefined
  const leafKey = orAbsent(() => parseCertificate(leaf).publicKey)
  return leafKey && verifySignedKey(c, leafKey, signedKey, "x25519")
}

type ServiceToSend = Pick<ServiceIdentity, "role" | "credentials"> & Pick<OwnService, "sessionKey">

function serviceToSend(
  c: CryptoBackend,
  service: ServiceIdentity | undefined,
  version: Version,
): ServiceToSend | undefined {
  if (service === undefined || !service.sentInTls) return undefined
  const { role, credentials, minVersion = serviceVersion(role) } = service
  // No version before this one has the field, whatever the settings say.
  if (version < Math.max(minVersion, VERSION.SERVICE_CERTIFICATES)) return undefined
  return { role, credentials, sessionKey: service.sessionKey ?? c.generateKeyPair("ed25519") }
}

async function acceptedService(exchange: HandshakeExchange, service: ServiceToSend): Promise<OwnService> {
  const content = await exchange.receive()
  const response = parsed(() => decodeServiceResponse(content))
  if (!response.accepted) throw protocolError(response.error)
  // A copy: the id outlives the block by far.
  return { role: service.role, sessionKey: service.sessionKey, serviceId: response.serviceId.slice() }
}

function parsed<T>(decode: () => T): T {
  try {
    return decode()
  } catch (error) {
    throw error instanceof DecodeError ? protocolError("HANDSHAKE PARSE", error) : error
  }
}
