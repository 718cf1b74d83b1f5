import { compatibleVersion, type Version } from "@sluice/encoding/version"
import { type E2eInvitation, requireProposed } from "@sluice/ratchet/e2e-params"
import type { ConnectionRequest } from "@sluice/short-links/connection-request"
import type { E2eParameters } from "@sluice/short-links/e2e-parameters"
import { peerError } from "../errors.ts"
import type { QueueInfo } from "../protocol/queue-info.ts"
import type { Versions } from "./draft.ts"

/** The keys of an invitation as its link has them. */
export function linkParameters({ versions, key1, key2, kem }: E2eInvitation): E2eParameters {
  return { versions, keys: [key1, key2], kemKey: kem?.publicKey }
}

/** The keys of an invitation as the ratchet wants them. */
export function ratchetParameters({ versions, keys: [key1, key2], kemKey }: E2eParameters): E2eInvitation {
  const kem = kemKey === undefined ? undefined : ({ type: "proposed", publicKey: kemKey } as const)
  return requireProposed({ versions, key1, key2, kem })
}

/** What two agents agree on, and where the one that answers sends to. */
export interface Agreement {
  readonly agent: Version
  readonly queue: QueueInfo
  /** Of an invitation. */
  readonly e2e?: Version | undefined
}

/** Client version of senders that secure queues by themselves. */
const FIRST_SECURABLE = 3

/** Agrees on the versions of a request. Throws `AgentError` A_VERSION where there are none in common. */
export function agree(request: ConnectionRequest, own: Versions): Agreement {
  const [{ versions, server, senderId, dhKey, mode }] = request.queues
  const agent = compatibleVersion(own.agent, request.agentVersions)
  const clientVersion = compatibleVersion(own.client, versions)
  const e2e = request.kind === "invitation" ? compatibleVersion(own.e2e, request.e2e.versions) : 0
  if (agent === undefined || clientVersion === undefined || e2e === undefined) throw peerError({ type: "A_VERSION" })
  // Without the command to secure a queue, its mode is of no use.
  const known = clientVersion >= FIRST_SECURABLE ? mode : undefined
  const queue = { clientVersion, server, senderId, dhKey, mode: known }
  return { agent, queue, e2e: request.kind === "invitation" ? e2e : undefined }
}
