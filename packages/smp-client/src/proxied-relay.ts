import type { BoxKey, CryptoBackend } from "@sluice/crypto/backend"
import { dhBoxKey } from "@sluice/crypto/box"
import type { X25519Key } from "@sluice/crypto/keys"
import type { Server } from "@sluice/encoding/server-address"
import { intersect, type Version, type VersionRange } from "@sluice/encoding/version"
import { singleContent } from "@sluice/smp-protocol/batch"
import { decodeResponses } from "@sluice/smp-protocol/block"
import type { TransportErrorCode } from "@sluice/smp-protocol/errors"
import type { BrokerMessage } from "@sluice/smp-protocol/messages"
import { MAX_FORWARDED_CONTENT, openForwarded, sealForwarded } from "@sluice/smp-protocol/proxy-envelope"
import { forwardedParams } from "@sluice/smp-protocol/transmission"
import { type CorrId, ID_LENGTH, type SessionId } from "@sluice/smp-protocol/types"
import { CLIENT_RANGE } from "@sluice/smp-protocol/versions"
import { validateServerChain } from "@sluice/transport/chain-validation"
import { certifiedKeyOf } from "@sluice/transport/client-handshake"
import { ask } from "./answer.ts"
import { SmpClientError } from "./client-error.ts"
import type { Clock } from "./clock.ts"
import type { CallOptions, CommandChannel, Request } from "./request.ts"
import { encodeRequest } from "./request-encoder.ts"
import { SmpCommands } from "./smp-commands.ts"

/** How to reach a relay through a proxy. */
export interface RelayOptions {
  /** Password of the proxy; default the one in the proxy's address. */
  readonly password?: string | undefined
  /** Versions of the commands inside; default `CLIENT_RANGE`. */
  readonly range?: VersionRange | undefined
}

/** The connection between proxy and relay, as the client knows it (proxy.md §4). */
export interface RelaySession {
  readonly sessionId: SessionId
  /** Highest version that this client and the proxy's connection have in common. */
  readonly version: Version
  /** The relay's session key, vouched for by the certificate of its address. */
  readonly key: X25519Key
}

/**
 * A relay behind a proxy. The relay does not learn who sends, the proxy does not learn what. It takes the commands of
 * senders: `sendMessage`, `secureAsSender`, `getLink`, `secureByLink`, `resolveName`; the relay refuses all others with
 * `CMD PROHIBITED`. Where the proxy has lost its connection to the relay, it is asked for another one and the command
 * goes out a second time, once.
 */
export class ProxiedRelay extends SmpCommands {
  readonly crypto: CryptoBackend
  readonly clock: Clock
  readonly password: undefined
  readonly server: Server
  readonly #proxy: CommandChannel
  readonly #options: RelayOptions
  #session: Promise<RelaySession>

  /** Use {@link openRelay}. */
  constructor(proxy: CommandChannel, server: Server, options: RelayOptions, session: RelaySession) {
    super()
    this.crypto = proxy.crypto
    this.clock = proxy.clock
    this.server = server
    this.#proxy = proxy
    this.#options = options
    this.#session = Promise.resolve(session)
  }

  /** The session that is used now. */
  get session(): Promise<RelaySession> {
    return this.#session
  }

  override async serverKey(): Promise<X25519Key> {
    return (await this.#session).key
  }

  override send(requests: readonly Request[], call?: CallOptions): Promise<BrokerMessage>[] {
    return requests.map((request) => this.#forward(request, call))
  }

  async #forward(request: Request, call: CallOptions | undefined): Promise<BrokerMessage> {
    const session = this.#session
    try {
      return await forward(this.#proxy, await session, request, call)
    } catch (error) {
      if (!isNoSession(error)) throw error
      // Of several commands that find the session gone, the first one asks for a new one.
      if (this.#session === session) this.#session = openSession(this.#proxy, this.server, this.#options, call)
      const reopened = this.#session
      reopened.catch(() => {
        // The next command tries again, and does not get a stale failure.
        if (this.#session === reopened) this.#session = session
      })
      return await forward(this.#proxy, await reopened, request, call)
    }
  }
}

/** `PRXY`: makes a proxy connect to a relay, and verifies the key that the relay gave it (v8 on both ways). */
export async function openRelay(
  proxy: CommandChannel,
  server: Server,
  options: RelayOptions = {},
  call?: CallOptions,
): Promise<ProxiedRelay> {
  return new ProxiedRelay(proxy, server, options, await openSession(proxy, server, options, call))
}

async function openSession(
  proxy: CommandChannel,
  server: Server,
  options: RelayOptions,
  call: CallOptions | undefined,
): Promise<RelaySession> {
  const { crypto: c, clock } = proxy
  const password = options.password ?? proxy.password
  const pkey = await ask(proxy, { command: { tag: "PRXY", server, password } }, call, "PKEY")
  const chain = pkey.certificates
  const [leaf] = chain
  const invalid = validateServerChain(c, chain, server.keyHash, clock.unixSeconds())
  if (leaf === undefined || invalid !== undefined) throw refused("HANDSHAKE IDENTITY")
  const key = certifiedKeyOf(c, { chain, signedKey: pkey.signedKey }, server.keyHash, leaf)
  if (key === undefined) throw refused("HANDSHAKE IDENTITY")
  const versions = intersect(options.range ?? CLIENT_RANGE, pkey.versions)
  if (versions === undefined) throw refused("VERSION")
  // Copies: a session outlives the block that it came in.
  return { sessionId: pkey.sessionId.slice(), version: versions.max, key: { ...key, raw: key.raw.slice() } }
}

/** Sends one command through the proxy and gives the relay's answer to it (proxy.md §5). */
async function forward(
  proxy: CommandChannel,
  { sessionId, version, key: relayKey }: RelaySession,
  request: Request,
  call: CallOptions | undefined,
): Promise<BrokerMessage> {
  const c = proxy.crypto
  const { tag } = request.command
  const corrId = request.corrId ?? c.randomBytes(ID_LENGTH)
  const ephemeral = c.generateKeyPair("x25519")
  const boxKey = dhBoxKey(c, ephemeral.privateKey, relayKey)
  if (boxKey === undefined) throw new SmpClientError({ code: "CRYPTO", command: tag })

  const params = forwardedParams(version, sessionId)
  const encoding = { signer: { crypto: c, serverKey: relayKey }, params, serviceId: undefined }
  const content = singleContent(encodeRequest(encoding, { ...request, corrId }).transmission)
  if (content.length > MAX_FORWARDED_CONTENT) throw new SmpClientError({ code: "TOO_LARGE", command: tag })
  const box = sealForwarded(c, boxKey, corrId, "request", content)

  const command = { tag: "PFWD", version, key: ephemeral.publicKey, request: box } as const
  const { response } = await ask(proxy, { command, entityId: sessionId, corrId }, call, "PRES")
  return opened(c, boxKey, corrId, response, params, tag)
}

/** The answer inside. Its ids are not compared: the box proves already that it answers this very command. */
function opened(
  c: CryptoBackend,
  boxKey: BoxKey,
  corrId: CorrId,
  box: Uint8Array,
  params: ReturnType<typeof forwardedParams>,
  command: string,
): BrokerMessage {
  const content = openForwarded(c, boxKey, corrId, "response", box)
  if (content === undefined) throw new SmpClientError({ code: "CRYPTO", command })
  const [answer, ...more] = decodeResponses(content, params)
  if (answer?.ok !== true || more.length > 0) throw new SmpClientError({ code: "UNPARSABLE", command })
  return answer.message
}

/** A relay that this side refuses is called what the proxy would call it (proxy.md §4). */
function refused(code: TransportErrorCode): SmpClientError {
  const error = { type: "PROXY", error: { type: "BROKER", error: { type: "TRANSPORT", error: code } } } as const
  return new SmpClientError({ code: "ERR", command: "PRXY", error, from: "proxy" })
}

function isNoSession(error: unknown): boolean {
  const answer = error instanceof SmpClientError ? error.answer : undefined
  return answer?.type === "PROXY" && answer.error.type === "NO_SESSION"
}
