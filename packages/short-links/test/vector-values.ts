import { encodePublicKey } from "@sluice/crypto/keys"
import { toHex } from "@sluice/encoding/bytes"
import { formatServerAddress } from "@sluice/encoding/server-address"
import type { VersionRange } from "@sluice/encoding/version"
import type { ConnectionRequest } from "../src/connection-request.ts"
import { formatE2eParameters } from "../src/e2e-parameters.ts"
import type { OpenedLink } from "../src/open-link.ts"
import type { LinkOwner } from "../src/owners.ts"
import type { QueueUri } from "../src/queue-uri.ts"
import { formatShortLink } from "../src/short-link.ts"
import type { UserLinkData } from "../src/user-data.ts"

/** Bytes in a vector: hex, or so many times one byte. */
export type VectorBytes = string | { readonly repeat: string; readonly length: number }

/** The bytes of a vector as hex. */
export function vectorHex(bytes: VectorBytes): string {
  return typeof bytes === "string" ? bytes : bytes.repeat.repeat(bytes.length)
}

/** Values of our types in the form of the vectors. */
export function requestValue(request: ConnectionRequest): unknown {
  return {
    mode: request.kind,
    scheme: "simplex:",
    agentRange: rangeValue(request.agentVersions),
    queues: request.queues.map(queueValue),
    clientData: request.clientData ?? null,
    ...(request.kind === "invitation" ? { e2e: formatE2eParameters(request.e2e) } : {}),
  }
}

export function queueValue(queue: QueueUri): unknown {
  const { versions, server, senderId, dhKey, mode } = queue
  return {
    clientRange: rangeValue(versions),
    server: formatServerAddress({ scheme: "smp", ...server }),
    senderId: toHex(senderId),
    dhPublicKey: toHex(encodePublicKey(dhKey)),
    queueMode: mode === undefined ? null : mode === "messaging" ? "M" : "C",
  }
}

export function openedValue({ fixed, user }: OpenedLink): unknown {
  return {
    agentRange: rangeValue(fixed.agentVersions),
    rootKey: toHex(encodePublicKey(fixed.rootKey)),
    connReq: requestValue(fixed.request),
    linkEntityId: fixed.linkEntityId === undefined ? null : toHex(fixed.linkEntityId),
    userData: userValue(user),
  }
}

export function ownerValue(owner: LinkOwner): unknown {
  return {
    ownerId: toHex(owner.ownerId),
    ownerKey: toHex(encodePublicKey(owner.ownerKey)),
    signature: toHex(owner.authorization),
  }
}

function userValue(user: UserLinkData): unknown {
  const agentRange = rangeValue(user.agentVersions)
  if (user.kind === "invitation") return { agentRange, data: toHex(user.appData) }
  return {
    agentRange,
    direct: user.direct,
    owners: user.owners.map(ownerValue),
    relays: user.relays.map(formatShortLink),
    data: toHex(user.appData),
  }
}

function rangeValue(range: VersionRange): [number, number] {
  return [range.min, range.max]
}
