import type { Version } from "@sluice/encoding/version"

/** The agent version from which headers with a KEM have room beside the message (ratchet.md §4). */
const PQ_AGENT_VERSION = 5

/** Padded bytes of the information in a confirmation, by agent version and the connection's PQ support. */
export function paddedConfirmationLength(agentVersion: Version, pqSupport: boolean): number {
  return agentVersion >= PQ_AGENT_VERSION && pqSupport ? 11_106 : 14_832
}

/** Padded bytes of a message, by agent version and the connection's PQ support. */
export function paddedMessageLength(agentVersion: Version, pqSupport: boolean): number {
  return agentVersion >= PQ_AGENT_VERSION && pqSupport ? 13_618 : 15_840
}
