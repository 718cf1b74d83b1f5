import { equalBytes } from "@sluice/encoding/bytes"
import { copyOf } from "../codec/copy.ts"
import { ID_LENGTH, isId, serviceKindKey } from "../codec/keys.ts"
import { decodeService, decodeTotals, encodeService } from "../codec/small-codes.ts"
import type { ImportResult, Step } from "../queue-store.ts"
import type { ServiceKind, ServiceRecord, ServiceRole, ServiceTotals } from "../records.ts"
import type { Tables } from "../tables.ts"
import { type Context, copyById, getById } from "./context.ts"
import { walk } from "./walk.ts"

/** Services and the sets of queues associated with them (smp.md §4.7, transport.md §3.3). */

export function findService(tables: Tables, serviceId: Uint8Array): ServiceRecord | undefined {
  const stored = getById(tables.services, serviceId)
  return stored === undefined ? undefined : decodeService(serviceId, stored)
}

export function registerService(
  c: Context,
  service: ServiceRecord,
):
  | { readonly ok: true; readonly service: ServiceRecord; readonly created: boolean }
  | { readonly ok: false; readonly role: ServiceRole } {
  const { tables } = c
  const known = copyById(tables.fingerprints, service.fingerprint)
  const found = known === undefined ? undefined : findService(tables, known)
  if (found !== undefined) {
    return found.role === service.role ? { ok: true, service: found, created: false } : { ok: false, role: found.role }
  }
  if (!isId(service.serviceId) || tables.services.has(service.serviceId)) {
    throw new RangeError("the ID of a new service must have 24 bytes and be unused")
  }
  return { ok: true, service: writeService(tables, service), created: true }
}

export function serviceTotals(tables: Tables, serviceId: Uint8Array, kind: ServiceKind): ServiceTotals | undefined {
  if (!isId(serviceId) || !tables.services.has(serviceId)) return undefined
  return decodeTotals(tables.serviceTotals.get(serviceKindKey(serviceId, kind)))
}

export function serviceQueues(
  tables: Tables,
  serviceId: Uint8Array,
  kind: ServiceKind,
  options: { readonly limit: number } & Step,
): Step & { readonly ids: Uint8Array[] } {
  if (!isId(serviceId)) return { ids: [] }
  const { keys, step } = walk(tables.serviceQueues, { ...options, prefix: serviceKindKey(serviceId, kind) })
  return { ids: keys.map((key) => key.slice(ID_LENGTH + 1)), ...step }
}

export function services(
  tables: Tables,
  options: { readonly limit: number } & Step,
): Step & { readonly services: ServiceRecord[] } {
  const { keys, step } = walk(tables.services, options)
  return { services: keys.map((id) => findService(tables, id)).filter((found) => found !== undefined), ...step }
}

export function importServices(c: Context, imported: readonly ServiceRecord[]): ImportResult {
  const { tables } = c
  const conflicts: Uint8Array[] = []
  for (const service of imported) {
    const { serviceId, fingerprint } = service
    const owner = tables.fingerprints.get(fingerprint)
    if (!isId(serviceId) || (owner !== undefined && !equalBytes(owner, serviceId))) {
      conflicts.push(copyOf(serviceId))
      continue
    }
    const before = findService(tables, serviceId)
    if (before !== undefined) {
      tables.fingerprints.remove(before.fingerprint)
      count(tables, before.role, -1)
    }
    writeService(tables, service)
  }
  return { conflicts }
}

/** Writes a service that is not there; returns it as it is stored. */
function writeService(tables: Tables, service: ServiceRecord): ServiceRecord {
  const stored = encodeService(service)
  tables.services.put(service.serviceId, stored)
  tables.fingerprints.put(service.fingerprint, service.serviceId)
  count(tables, service.role, 1)
  return decodeService(service.serviceId, stored)
}

function count({ counters }: Tables, role: ServiceRole, by: 1 | -1): void {
  counters.services += by
  if (role === "M") counters.messageServices += by
  else if (role === "N") counters.notificationServices += by
}
