import { nativeCrypto as c } from "@sluice/crypto/native"
import type { Server } from "@sluice/encoding/server-address"
import type { PfwdCommand, PrxyCommand } from "@sluice/smp-protocol/commands/proxy"
import type { SmpError } from "@sluice/smp-protocol/errors"
import type { BrokerMessage } from "@sluice/smp-protocol/messages"
import { FORWARDED_LENGTH } from "@sluice/smp-protocol/proxy-envelope"
import { NO_ENTITY } from "@sluice/smp-protocol/types"
import type { ProxyRequest } from "../src/message-proxy.ts"

/** A relay that nobody looks up. */
export function relayAt(host: string): Server {
  return { hosts: [host], port: "", keyHash: new Uint8Array(32).fill(7) }
}

export const RELAY: Server = relayAt("smp.example.com")

/** A command of which only the proxy's side matters: what is inside is noise. */
export function pfwdCommand(version = 20): PfwdCommand {
  const { publicKey } = c.generateKeyPair("x25519")
  return { tag: "PFWD", version, key: publicKey, request: c.randomBytes(FORWARDED_LENGTH) }
}

export function pfwd(sessionId: Uint8Array): ProxyRequest<PfwdCommand> {
  return { corrId: c.randomBytes(24), entityId: sessionId, command: pfwdCommand() }
}

export function prxy(server: Server = RELAY, password?: string): ProxyRequest<PrxyCommand> {
  return { corrId: c.randomBytes(24), entityId: NO_ENTITY, command: { tag: "PRXY", server, password } }
}

/** The error of an answer; fails for another one. */
export function errorOf(answer: BrokerMessage | undefined): SmpError {
  if (answer?.tag !== "ERR") throw new Error(`an error was expected, not ${answer?.tag}`)
  return answer.error
}
