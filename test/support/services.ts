import { nativeCrypto } from "@sluice/crypto/native"
import { idsHash } from "@sluice/smp-protocol/ids-hash"
import type { EntityId, ServiceCounters, ServiceRole } from "@sluice/smp-protocol/types"
import { type Credentials, serviceCredentials } from "@sluice/transport/credentials"
import { createCa, createLeaf, createServiceCredentials } from "@sluice/transport/identity"
import type { RawClient } from "./raw-client.ts"
import type { TestRelay } from "./relay.ts"

/** A service that connects again and again with the same certificate. */
export interface TestService {
  readonly role: ServiceRole
  readonly credentials: Credentials
}

/** One self-signed certificate, as messaging services have it. */
export function selfSigned(role: ServiceRole): TestService {
  return { role, credentials: createServiceCredentials(nativeCrypto, { now: now() }) }
}

/** Two certificates: a CA, which is the service's identity, and what it issued. */
export function withIssuer(role: ServiceRole): TestService {
  const ca = createCa(nativeCrypto, { now: now() })
  const leaf = createLeaf(nativeCrypto, ca, { host: "service", now: now() })
  return {
    role,
    credentials: serviceCredentials(nativeCrypto, [leaf.certificate, ca.certificate], leaf.key.privateKey),
  }
}

export function connectService(relay: TestRelay, service: TestService, versions: number): Promise<RawClient> {
  return relay.connect({ versions, service })
}

/** Number and hash of a set of ids, as a service counts them. */
export function countersOf(...ids: readonly EntityId[]): ServiceCounters {
  return { count: BigInt(ids.length), hash: idsHash(nativeCrypto, ids) }
}

/** Counters as `SOKS` and `ENDS` tell them: below v19 without the hash, which reads as zeros. */
export function countersAt({ version }: RawClient, { count, hash }: ServiceCounters): ServiceCounters {
  return { count, hash: version >= 19 ? hash : new Uint8Array(16) }
}

function now(): number {
  return Math.floor(Date.now() / 1000)
}
