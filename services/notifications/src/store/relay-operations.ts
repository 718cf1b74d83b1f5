import { emptyIdsHash } from "@sluice/smp-protocol/ids-hash"
import type { EntityId } from "@sluice/smp-protocol/types"
import type { Credentials } from "@sluice/transport/credentials"
import { type Context, findRelay, putRelay, relayRecord, storedCredentials } from "./context.ts"
import type { Page, PageOptions, RelayId, RelayRecord } from "./ntf-store.ts"

export function relay(c: Context, relayId: RelayId): RelayRecord | undefined {
  const stored = findRelay(c, relayId)
  return stored && relayRecord(c, relayId, stored)
}

export function relays(c: Context, { after, limit }: PageOptions): Page<RelayRecord> {
  const keys = c.tables.relays.keys({ after, limit })
  const items = keys.flatMap((relayId) => relay(c, relayId) ?? []).filter(({ total }) => total > 0)
  return { items, next: keys.length < limit ? undefined : keys.at(-1) }
}

export function keepCredentials(c: Context, relayId: RelayId, credentials: Credentials): Credentials | undefined {
  const stored = findRelay(c, relayId)
  if (stored === undefined) return undefined
  const kept = relayRecord(c, relayId, stored).credentials
  if (kept !== undefined) return kept
  putRelay(c, relayId, { ...stored, certificate: storedCredentials(credentials) })
  return credentials
}

export function setService(c: Context, relayId: RelayId, serviceId: EntityId | undefined, forget: boolean): void {
  const stored = findRelay(c, relayId)
  if (stored === undefined) return
  const { certificate, epoch } = stored
  putRelay(c, relayId, {
    ...stored,
    serviceId,
    certificate: forget ? undefined : certificate,
    // No subscription names the new epoch: none is associated any more.
    epoch: epoch + 1,
    count: 0,
    hash: emptyIdsHash(),
  })
}

export function setUp(c: Context, relayId: RelayId, up: boolean): void {
  const stored = findRelay(c, relayId)
  if (stored !== undefined && stored.up !== up) putRelay(c, relayId, { ...stored, up })
}
