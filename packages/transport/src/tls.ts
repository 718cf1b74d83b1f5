import { constants } from "node:crypto"
import type { ConnectionOptions, SecureContext, SecureContextOptions, TlsOptions } from "node:tls"
import type { Credentials } from "./credentials.ts"

/*
 * TLS options of both sides (transport.md §2). Nothing here trusts or asks the system's certificate store: chains are
 * validated by `chain-validation.ts` after the handshake, which is why `rejectUnauthorized` is off on both sides.
 */

/** ALPN name of SMP. */
export const SMP_ALPN = "smp/1"

/** What servers accept, best first. Any of them makes a connection modern (transport.md §2.3). */
export const SERVER_PROTOCOLS: readonly string[] = [SMP_ALPN, "h2", "http/1.1"]

/** Milliseconds that a server gives a client to set up TLS (transport.md §2.6). */
export const TLS_SETUP_TIMEOUT_MS = 60_000

/** Cipher suites: one for TLS 1.3 and one for TLS 1.2. */
const CIPHERS = "TLS_CHACHA20_POLY1305_SHA256:ECDHE-ECDSA-CHACHA20-POLY1305"
const GROUPS = "X448:X25519"
const SIGNATURES = "ed448:ed25519"

/** For a port shared with browsers: a superset, as TLS has no way to tell their connections from ours in time. */
const SHARED_CIPHERS = [
  "TLS_CHACHA20_POLY1305_SHA256",
  "TLS_AES_256_GCM_SHA384",
  "TLS_AES_128_GCM_SHA256",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-RSA-CHACHA20-POLY1305",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
].join(":")
const SHARED_GROUPS = "X25519:X448:ffdhe4096:ffdhe6144:ffdhe8192:P-521"
const SHARED_SIGNATURES = [
  ...["ed448", "ed25519"],
  ...["ECDSA+SHA256", "ECDSA+SHA384", "ECDSA+SHA512"],
  ...["rsa_pss_rsae_sha512", "rsa_pss_rsae_sha384", "rsa_pss_rsae_sha256"],
  ...["RSA+SHA512", "RSA+SHA384", "RSA+SHA256"],
].join(":")

/** A web server on the same port: clients that send a server name (SNI) are browsers, SMP clients send none. */
export interface SharedWeb {
  /** Certificate and key of the web server, from `tls.createSecureContext`. Asked on every connection: may change. */
  readonly context: () => SecureContext
  /** Protocols of the web server, best first; default those of the SMP server without `smp/1`. */
  readonly protocols?: readonly string[]
}

/** Settings of {@link serverTlsOptions}. */
export interface ServerTlsSettings {
  /** ALPN names that are accepted, best first; default {@link SERVER_PROTOCOLS}. */
  readonly protocols?: readonly string[]
  readonly web?: SharedWeb
  /** Milliseconds for TLS to be set up; default {@link TLS_SETUP_TIMEOUT_MS}. */
  readonly setupTimeoutMs?: number
}

/**
 * Options for `tls.createServer`, and for `setSecureContext` of a server when its certificate changes. A client without
 * ALPN is let in, one whose list has no name of ours gets the alert no_application_protocol.
 */
export function serverTlsOptions(credentials: Credentials, settings: ServerTlsSettings = {}): TlsOptions {
  const { protocols = SERVER_PROTOCOLS, web } = settings
  const shared = web !== undefined
  return {
    ...contextOptions(credentials, shared ? SHARED_CIPHERS : CIPHERS),
    ecdhCurve: shared ? SHARED_GROUPS : GROUPS,
    sigalgs: shared ? SHARED_SIGNATURES : SIGNATURES,
    // Without tickets, and without a listener that would answer session ids, no session can be resumed.
    secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
    requestCert: true,
    rejectUnauthorized: false,
    handshakeTimeout: settings.setupTimeoutMs ?? TLS_SETUP_TIMEOUT_MS,
    noDelay: true,
    ...(web === undefined ? { ALPNProtocols: [...protocols] } : sharedPort(protocols, web)),
  }
}

/** Settings of {@link clientTlsOptions}. */
export interface ClientTlsSettings {
  /** Shown when the server asks for a certificate. */
  readonly service?: Credentials | undefined
  /** ALPN names to offer; default `smp/1` alone. On port 443 the reference's clients offer `http/1.1`. */
  readonly protocols?: readonly string[] | undefined
}

/** Options for `tls.connect`, besides where to. No server name is sent: with one, a shared port answers as web server. */
export function clientTlsOptions(settings: ClientTlsSettings = {}): ConnectionOptions {
  return {
    ...contextOptions(settings.service, CIPHERS),
    ecdhCurve: GROUPS,
    sigalgs: SIGNATURES,
    // The reference server lacks secure renegotiation, without which OpenSSL refuses TLS 1.2 by default.
    secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_LEGACY_SERVER_CONNECT,
    ca: [], // spares loading the system's store
    rejectUnauthorized: false,
    servername: "",
    ALPNProtocols: [...(settings.protocols ?? [SMP_ALPN])],
  }
}

function contextOptions(credentials: Credentials | undefined, ciphers: string): SecureContextOptions {
  return {
    ...(credentials && { key: credentials.leafKeyPem, cert: credentials.chainPem }),
    ciphers,
    minVersion: "TLSv1.2",
    maxVersion: "TLSv1.3",
  }
}

function sharedPort(protocols: readonly string[], web: SharedWeb): TlsOptions {
  const webProtocols = web.protocols ?? protocols.filter((name) => name !== SMP_ALPN)
  return {
    SNICallback: (_, done) => done(null, web.context()),
    ALPNCallback: ({ servername, protocols: offered }) => {
      const ours = servername ? webProtocols : protocols
      return ours.find((name) => offered.includes(name))
    },
  }
}
