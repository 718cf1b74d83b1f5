import type { KeyPair } from "@sluice/crypto/keys"
import { nativeCrypto as c } from "@sluice/crypto/native"
import type { VersionRange } from "@sluice/encoding/version"
import { SmpClientError } from "@sluice/smp-client/client-error"
import { EventHub } from "@sluice/smp-client/event-hub"
import type { ConnectionEvent } from "@sluice/smp-client/events"
import type { CallOptions, Request } from "@sluice/smp-client/request"
import type { CommandOf } from "@sluice/smp-protocol/commands"
import type { BrokerMessage } from "@sluice/smp-protocol/messages"
import { plainBlocks } from "@sluice/transport/block-codec"
import type { ClientSession } from "@sluice/transport/session"
import type { RelayConnection } from "../src/connect-relay.ts"

/** A request on a {@link FakeConnection}, to be answered by the test. */
export interface SentRequest {
  readonly corrId: Uint8Array
  readonly command: CommandOf<"RFWD">
  readonly timeoutMs: number | undefined
  readonly resolve: (answer: BrokerMessage) => void
  readonly reject: (error: unknown) => void
}

/** A session as a handshake with a relay leaves it. */
export function fakeSession(
  range: VersionRange = { min: 6, max: 20 },
  parts: Partial<ClientSession> = {},
): ClientSession {
  const sessionKey: KeyPair<"x25519"> = c.generateKeyPair("x25519")
  const relayKey: KeyPair<"x25519"> = c.generateKeyPair("x25519")
  return {
    version: range.max,
    range,
    serverRange: range,
    sessionId: c.randomBytes(32),
    implySessionId: true,
    serviceSignatures: true,
    proxyServer: true,
    sessionSecret: c.diffieHellman(sessionKey.privateKey, relayKey.publicKey),
    blockCodec: plainBlocks(),
    serverKey: relayKey.publicKey,
    certifiedServerKey: { chain: [c.randomBytes(100), c.randomBytes(100)], signedKey: c.randomBytes(120) },
    sessionKey,
    service: undefined,
    ...parts,
  }
}

/** A connection to a relay without a network: requests wait until the test answers them. */
export class FakeConnection implements RelayConnection {
  readonly session: ClientSession
  readonly events: EventHub<ConnectionEvent> = new EventHub<ConnectionEvent>("closed", () => undefined)
  readonly sent: SentRequest[] = []
  open = true

  constructor(session: ClientSession = fakeSession()) {
    this.session = session
  }

  send(requests: readonly Request[], call: CallOptions = {}): Promise<BrokerMessage>[] {
    return requests.map(({ command, corrId }) => {
      if (command.tag !== "RFWD" || corrId === undefined) throw new Error(`a proxy sends no ${command.tag}`)
      return new Promise((resolve, reject) => {
        this.sent.push({ corrId, command, timeoutMs: call.timeoutMs, resolve, reject })
      })
    })
  }

  /** The newest request. */
  get last(): SentRequest {
    const last = this.sent.at(-1)
    if (last === undefined) throw new Error("nothing was sent")
    return last
  }

  /** The newest request has its time-out. */
  timeOut(request: SentRequest = this.last): void {
    request.reject(new SmpClientError({ code: "TIMEOUT", command: "RFWD" }))
  }

  close(): Promise<void> {
    this.#end("CLOSED")
    return Promise.resolve()
  }

  /** The relay goes away. */
  lose(): void {
    this.#end("LOST")
  }

  #end(code: "LOST" | "CLOSED"): void {
    if (!this.open) return
    this.open = false
    const error = new SmpClientError({ code })
    for (const { reject } of this.sent) reject(error)
    this.events.emit({ type: "closed", error })
  }
}
