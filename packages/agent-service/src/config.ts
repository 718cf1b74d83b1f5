import { DecodeError } from "@sluice/encoding/errors"
import { formatServerAddress, parseServerAddress, type ServerAddress } from "@sluice/encoding/server-address"
import { type Kind, parsedKind } from "@sluice/ops/kind"
import { choice, flag, integer, list, listenAddress, path, port, secret, size, text } from "@sluice/ops/kinds"
import { OperatorError } from "@sluice/ops/operator-error"
import { type ConfigOf, group, optional, setting } from "@sluice/ops/settings"

/** `[agent]`: the agent as a local service. */
export const agentGroup = group("The agent as a service for programs on this machine: `sluice agent`.", {
  bind: setting(listenAddress(), {
    default: "127.0.0.1",
    help: "Address of this machine to listen on. Only of the machine itself, unless agent.remote says otherwise.",
  }),
  port: setting(port(), { default: 5225, help: "TCP port for the WebSocket; 0 takes a free one." }),
  remote: setting(flag(), {
    default: false,
    help: "Whether agent.bind may be an address that others reach. There is no TLS: put a proxy with TLS in front.",
  }),
  origins: setting(list(text({ pattern: /^\w+:\/\/[^/\s]+$/, allowed: "origins such as https://app.example.com" })), {
    default: [],
    help: "Origins of web pages that may connect; empty refuses every browser.",
  }),
  path: setting(path(), {
    default: "agent",
    help: "Folder of the agent's store and the clients' token, relative to the data folder.",
  }),
  passphrase: optional(secret({ minLength: 8 }), {
    help: "Encrypts the store. Without it a random one is made and kept beside the store, readable for its owner.",
  }),
  relays: setting(list(relayAddress()), {
    default: [],
    help: "Relays of the user that is made at the first start; empty makes none, and clients do.",
  }),
  privacy: setting(choice("standard", "fast", "high", "maximum"), {
    default: "standard",
    help: "How much of the network address and of the traffic relays get to see.",
  }),
  maxClients: setting(integer({ min: 1, max: 1000 }), {
    default: 16,
    help: "Programs that are connected at the same time; more are answered 503.",
  }),
  maxCalls: setting(integer({ min: 1, max: 10_000 }), {
    default: 64,
    help: "Calls of one program that are not answered yet; more are answered BUSY.",
  }),
  sendBuffer: setting(size({ min: "64KiB" }), {
    default: "4MiB",
    help: "What waits to be read by one program; with more it is cut off, and gets what it has not answered when it is back.",
  }),
  maxPending: setting(integer({ min: 1 }), {
    default: 10_000,
    help: "Events that wait for an answer of a program, by their IDs; beyond that the oldest requests of strangers are forgotten.",
  }),
})

/** The checked `[agent]`. */
export type AgentServiceConfig = ConfigOf<typeof agentGroup.entries>

const LOOPBACK = /^(127(\.\d{1,3}){3}|::1|localhost)$/

/** Whether only this machine reaches an address. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host)
}

/** Checks settings that are fine by themselves against each other. Throws `OperatorError`. */
export function checkAgentService({ bind, remote }: AgentServiceConfig): void {
  if (remote || isLoopback(bind)) return
  throw new OperatorError(
    `agent.bind: "${bind}" is not allowed; allowed: an address of the machine itself such as 127.0.0.1, or any with agent.remote = true`,
  )
}

function relayAddress(): Kind<ServerAddress> {
  return parsedKind(
    "a relay's address, smp://FINGERPRINT[:PASSWORD]@HOST[:PORT]",
    (raw, refuse) => {
      if (typeof raw !== "string") return refuse()
      try {
        return parseServerAddress(raw.trim(), { scheme: "smp" })
      } catch (error) {
        if (error instanceof DecodeError) return refuse()
        throw error
      }
    },
    (address) => formatServerAddress({ ...address, password: undefined }),
  )
}
