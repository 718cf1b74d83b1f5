// The address of a queue, as recipients give it to senders (agent.md §2): everything a sender needs, nothing secret to
// the relay, but secret to everybody else as long as the queue is not secured.
import { keyForPlace, publicKeyFromString, publicKeyToString, type X25519Key } from "@sluice/crypto/keys"
import { decodeBase64Url, encodeBase64Url } from "@sluice/encoding/base64url"
import { DecodeError } from "@sluice/encoding/errors"
import { formatServerAddress, parseServerAddress, type Server } from "@sluice/encoding/server-address"
import type { EntityId, QueueMode } from "@sluice/smp-protocol/types"
import { CLIENT_LAYER_RANGE } from "@sluice/smp-protocol/versions"

/** Where to send, and what to encrypt with. */
export interface QueueAddress {
  readonly server: Server
  readonly senderId: EntityId
  /** The recipient's key for the end-to-end secret. */
  readonly dhKey: X25519Key
  /** Absent in addresses of old queues. */
  readonly mode?: QueueMode | undefined
}

const FIRST_WITH_HOSTS = 2

/** `smp://keyHash@host[:port]/senderId#/?v=2-4&dh=key[&q=m|c][&k=s]`. */
export function formatQueueAddress({ server, senderId, dhKey, mode }: QueueAddress): string {
  const { hosts, port, keyHash } = server
  const authority = formatServerAddress({ scheme: "smp", hosts, port, keyHash })
  const parameters = [
    ["v", `${FIRST_WITH_HOSTS}-${CLIENT_LAYER_RANGE.max}`],
    ["dh", publicKeyToString(dhKey)],
    ...(mode === undefined ? [] : [["q", mode === "messaging" ? "m" : "c"]]),
    // What readers of version 3 know it by.
    ...(mode === "messaging" ? [["k", "s"]] : []),
  ]
  const query = parameters.map(([name = "", value = ""]) => `${name}=${encodeURIComponent(value)}`).join("&")
  return `${authority}/${encodeBase64Url(senderId)}#/?${query}`
}

/** Reads the form above; unknown parameters are ignored. Throws `DecodeError`. */
export function parseQueueAddress(text: string): QueueAddress {
  const match = /^(smp:\/\/[^/#]+)\/([^/#]+)\/?#\/?\?(.+)$/.exec(text)
  if (match === null) throw new DecodeError("queue address: not one")
  const [, authority = "", senderId = "", query = ""] = match
  const server = parseServerAddress(authority, { scheme: "smp", password: "refused" })
  const parameters = new URLSearchParams(query.replaceAll(";", "&"))
  checkVersions(parameters.get("v") ?? "")
  return {
    server: { hosts: server.hosts, port: server.port, keyHash: server.keyHash },
    senderId: decodeBase64Url(senderId),
    dhKey: keyForPlace(publicKeyFromString(parameters.get("dh") ?? ""), "x25519"),
    mode: modeOf(parameters),
  }
}

function checkVersions(text: string): void {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text)
  const min = Number(match?.[1])
  const max = Number(match?.[2] ?? min)
  // NaN compares as false, too.
  if (!(min <= CLIENT_LAYER_RANGE.max && max >= CLIENT_LAYER_RANGE.min)) {
    throw new DecodeError("queue address: no common version")
  }
}

function modeOf(parameters: URLSearchParams): QueueMode | undefined {
  switch (parameters.get("q")) {
    case "m":
      return "messaging"
    case "c":
      return "contact"
    default:
      return parameters.get("k") === "s" ? "messaging" : undefined
  }
}
