import { formatList, formatMaybe } from "@sluice/encoding/strings"
import type { LinkData, Notifier, QueueMode, QueueStatus, ServiceRecord } from "@sluice/queue-store/records"
import { formatBase64 as text } from "./base64.ts"
import { formatBlocking } from "./blocking-text.ts"
import { withMessageService } from "./queue-changes.ts"
import { type LoggedQueue, SERVICE_KINDS, type StoreLogRecord } from "./store-log-record.ts"

/**
 * The line of a record, without a line feed, exactly as the reference writes it: also where the reference cannot read it
 * back. Files that the reference shall read are written with {@link queueLines}.
 */
export function formatStoreLogRecord(record: StoreLogRecord): string {
  if (record.tag === "NEW_SERVICE") return `NEW_SERVICE ${formatService(record.service)}`
  if (record.tag === "CREATE") return `CREATE ${formatQueue(record.queue)}`
  const start = `${record.tag} ${text(record.recipientId)}`
  switch (record.tag) {
    case "LINK":
      return `${start} ${text(record.linkId)} ${formatLinkData(record.linkData)}`
    case "SECURE":
      return `${start} ${text(record.senderKey)}`
    case "KEYS":
      return `${start} ${formatList(record.recipientKeys, text)}`
    case "NOTIFIER":
      return `${start} ${formatNotifier(record.notifier)}`
    case "BLOCK":
      return `${start} ${formatBlocking(record.info)}`
    case "TIME":
      return `${start} ${record.updatedAt}`
    case "QUEUE_SERVICE":
      return `${start} ${SERVICE_KINDS[record.kind]} ${formatMaybe(record.serviceId, text)}`
    case "LDELETE":
    case "NDELETE":
    case "SUSPEND":
    case "UNBLOCK":
    case "DELETE":
      return start
    default:
      return record satisfies never
  }
}

/**
 * The lines that stand for a queue in a compacted log: its `CREATE`, and a line of its own for what that cannot say so that
 * the reference reads it: an association behind a notice (relay-internals.md §10), and a block of a suspended queue. Link
 * data must not be empty.
 */
export function queueLines(queue: LoggedQueue): string[] {
  const { recipientId, rcvServiceId, status } = queue
  const create = (changed: LoggedQueue) => formatStoreLogRecord({ tag: "CREATE", recipientId, queue: changed })
  if (status.tag !== "blocked") return [create(queue)]
  if (status.suspended === true) {
    const block: StoreLogRecord = { tag: "BLOCK", recipientId, info: status.info }
    return [create({ ...queue, status: { tag: "off" } }), formatStoreLogRecord(block)]
  }
  if (status.info.notice === undefined || rcvServiceId === undefined) return [create(queue)]
  const tie: StoreLogRecord = { tag: "QUEUE_SERVICE", recipientId, kind: "messages", serviceId: rcvServiceId }
  return [create(withMessageService(queue, undefined)), formatStoreLogRecord(tie)]
}

function formatService(service: ServiceRecord): string {
  const { serviceId, role, certificates, fingerprint, createdAt } = service
  const certificate = formatList(certificates, text)
  return `service_id=${text(serviceId)} role=${role} cert=${certificate} cert_hash=${text(fingerprint)} created_at=${createdAt}`
}

function formatQueue(queue: LoggedQueue): string {
  const { linkId, linkData, notifier, updatedAt, rcvServiceId } = queue
  let line = `rid=${text(queue.recipientId)} rk=${formatList(queue.recipientKeys, text)} rdh=${text(queue.rcvDhSecret)}`
  line += ` sid=${text(queue.senderId)} sk=${formatMaybe(queue.senderKey, text)}`
  if (queue.queueMode !== undefined) line += ` queue_mode=${formatMode(queue.queueMode)}`
  if (linkId !== undefined && linkData !== undefined) {
    line += ` link_id=${text(linkId)} queue_data=${formatLinkData(linkData)}`
  }
  if (notifier !== undefined) line += ` notifier=${formatNotifier(notifier)}`
  if (updatedAt !== undefined) line += ` updated_at=${updatedAt}`
  line += formatStatus(queue.status)
  return rcvServiceId === undefined ? line : `${line} rsrv=${text(rcvServiceId)}`
}

function formatMode(mode: QueueMode): string {
  return mode === "messaging" ? "M" : "C"
}

function formatLinkData(data: LinkData): string {
  return `${text(data.fixedData)} ${text(data.userData)}`
}

function formatNotifier(notifier: Notifier): string {
  const { notifierId, key, dhSecret, serviceId } = notifier
  const fields = `${text(notifierId)} ${text(key)} ${text(dhSecret)}`
  return serviceId === undefined ? fields : `${fields} nsrv=${text(serviceId)}`
}

function formatStatus(status: QueueStatus): string {
  if (status.tag === "active") return ""
  return status.tag === "off" ? " status=off" : ` status=blocked,${formatBlocking(status.info)}`
}
