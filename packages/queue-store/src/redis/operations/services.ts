import { equalBytes, idKey } from "@sluice/encoding/bytes"
import { copyOf } from "../../codec/copy.ts"
import { isId } from "../../codec/keys.ts"
import { decodeService, encodeService } from "../../codec/small-codes.ts"
import type { ImportResult, Step } from "../../queue-store.ts"
import type { ServiceKind, ServiceRecord, ServiceRole, ServiceTotals } from "../../records.ts"
import { bytesIn, type RedisContext } from "../context.ts"
import { associatedTotals, walkAssociated } from "./associations.ts"
import { walkKeys } from "./lists.ts"

/** Services: a record by ID, the ID by certificate, and an ordered list of them (smp.md §4.7, transport.md §3.3). */

export async function serviceById(c: RedisContext, serviceId: Uint8Array): Promise<ServiceRecord | undefined> {
  if (!isId(serviceId)) return undefined
  const stored = bytesIn(await c.connection.command(["GET", c.keys.service(serviceId)]))
  return stored === undefined ? undefined : decodeService(serviceId, stored)
}

export function registerService(
  c: RedisContext,
  service: ServiceRecord,
): Promise<
  | { readonly ok: true; readonly service: ServiceRecord; readonly created: boolean }
  | { readonly ok: false; readonly role: ServiceRole }
> {
  return onCertificate(c, service, async () => {
    const found = await serviceOfCertificate(c, service.fingerprint)
    if (found !== undefined) {
      return found.role === service.role
        ? { ok: true, service: found, created: false }
        : { ok: false, role: found.role }
    }
    if (!isId(service.serviceId) || (await serviceById(c, service.serviceId)) !== undefined) {
      throw new RangeError("the ID of a new service must have 24 bytes and be unused")
    }
    const created = await writeService(c, service)
    if (created) return { ok: true, service: decodeService(service.serviceId, encodeService(service)), created }
    // Another node was faster: its service is the one.
    const other = await serviceOfCertificate(c, service.fingerprint)
    if (other === undefined || other.role !== service.role) return { ok: false, role: other?.role ?? service.role }
    return { ok: true, service: other, created: false }
  })
}

export async function serviceTotals(
  c: RedisContext,
  serviceId: Uint8Array,
  kind: ServiceKind,
): Promise<ServiceTotals | undefined> {
  if (!isId(serviceId)) return undefined
  const [exists, totals] = await Promise.all([
    c.connection.command(["EXISTS", c.keys.service(serviceId)]),
    associatedTotals(c, serviceId, kind),
  ])
  return exists === 1 ? totals : undefined
}

export async function serviceQueues(
  c: RedisContext,
  serviceId: Uint8Array,
  kind: ServiceKind,
  options: { readonly limit: number } & Step,
): Promise<Step & { readonly ids: Uint8Array[] }> {
  if (!isId(serviceId)) return { ids: [] }
  const { ids, step } = await walkAssociated(c, serviceId, kind, options)
  return { ids, ...step }
}

export async function services(
  c: RedisContext,
  options: { readonly limit: number } & Step,
): Promise<Step & { readonly services: ServiceRecord[] }> {
  const { ids, step } = await walkKeys(c, [c.keys.services()], options)
  const found = await Promise.all(ids.map((id) => serviceById(c, id)))
  return { services: found.filter((service) => service !== undefined), ...step }
}

export async function importServices(c: RedisContext, imported: readonly ServiceRecord[]): Promise<ImportResult> {
  const conflicts: Uint8Array[] = []
  for (const service of imported) {
    const { serviceId, fingerprint } = service
    const imports = await onCertificate(c, service, async () => {
      const owner = bytesIn(await c.connection.command(["GET", c.keys.fingerprint(fingerprint)]))
      if (!isId(serviceId) || (owner !== undefined && !equalBytes(owner, serviceId))) return false
      const before = await serviceById(c, serviceId)
      if (before !== undefined) {
        await c.connection.run({ steps: [["DEL", c.keys.fingerprint(before.fingerprint)]], write: true })
        count(c, before.role, -1)
      }
      await writeService(c, service)
      return true
    })
    if (!imports) conflicts.push(copyOf(serviceId))
  }
  return { conflicts }
}

async function serviceOfCertificate(c: RedisContext, fingerprint: Uint8Array): Promise<ServiceRecord | undefined> {
  const serviceId = bytesIn(await c.connection.command(["GET", c.keys.fingerprint(fingerprint)]))
  return serviceId === undefined ? undefined : serviceById(c, serviceId)
}

/** Writes a service that is not there: first its record, then what leads to it. False when the certificate was taken. */
async function writeService(c: RedisContext, service: ServiceRecord): Promise<boolean> {
  const { serviceId, fingerprint } = service
  await c.connection.run({ steps: [["SET", c.keys.service(serviceId), encodeService(service)]], write: true })
  const line = ["SET", c.keys.fingerprint(fingerprint), serviceId, "NX"] as const
  const [taken] = await c.connection.run({ steps: [line], write: true })
  if (taken === null) {
    await c.connection.run({ steps: [["DEL", c.keys.service(serviceId)]], write: true })
    return false
  }
  await c.connection.run({ steps: [["ZADD", c.keys.services(), 0, serviceId]], write: true })
  count(c, service.role, 1)
  return true
}

/** One registration of a certificate at a time. */
function onCertificate<T>(c: RedisContext, { fingerprint }: ServiceRecord, run: () => Promise<T>): Promise<T> {
  return c.lanes.run(`certificate ${idKey(fingerprint)}`, run)
}

function count({ counts }: RedisContext, role: ServiceRole, by: 1 | -1): void {
  counts.add("services", by)
  if (role === "M") counts.add("messageServices", by)
  else if (role === "N") counts.add("notificationServices", by)
}
