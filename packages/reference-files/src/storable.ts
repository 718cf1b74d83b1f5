import type { LinkData, Notifier, ServiceRecord, StoredMessage } from "@sluice/queue-store/records"
import { ID_LENGTH } from "./id-index.ts"
import type { LoggedNotification } from "./notification-line.ts"
import type { LoggedQueue, StoreLogRecord } from "./store-log-record.ts"

/**
 * What the formats of the files allow and the store does not. The reference never writes any of it: such lines were made
 * by hand or by a failing disk. All functions return the reason, or `undefined` when the record can be stored.
 */

const FINGERPRINT = 32
const NOTIFICATION_METADATA = 144
const MOST_KEYS = 255
const MOST_CERTIFICATES = 255
const MOST_LINK_ID = 255
const MOST_DATA = 0xffff
/** Times of messages, notifications and services: 5 bytes. */
const END_OF_TIME = 2 ** 40
/** Days of last use: 2 bytes, until the year 2149. */
const END_OF_DAYS = 2 ** 16 * 86_400

export function unstorableRecord(record: StoreLogRecord): string | undefined {
  switch (record.tag) {
    case "NEW_SERVICE":
      return unstorableService(record.service)
    case "CREATE":
      return unstorableQueue(record.queue)
    case "LINK":
      return unstorableLink(record.linkId, record.linkData)
    case "KEYS":
      return unstorableKeys(record.recipientKeys)
    case "NOTIFIER":
      return unstorableNotifier(record.notifier)
    case "TIME":
      return isStorableDay(record.updatedAt) ? undefined : "the time is out of range"
    case "QUEUE_SERVICE":
      return unstorableServiceId(record.serviceId)
    default:
      return undefined
  }
}

/** Whether the store can hold this as a time of last use. */
export function isStorableDay(seconds: number): boolean {
  return seconds >= 0 && seconds < END_OF_DAYS
}

export function unstorableMessage({ id, timestamp }: StoredMessage): string | undefined {
  if (!isId(id)) return "the message ID has not 24 bytes"
  return isTime(timestamp) ? undefined : "the time is out of range"
}

export function unstorableNotification({ notification }: LoggedNotification): string | undefined {
  const { timestamp, nonce, encryptedMetadata } = notification
  if (!isId(nonce)) return "the nonce has not 24 bytes"
  if (encryptedMetadata.length !== NOTIFICATION_METADATA) return "the metadata has not 144 bytes"
  return isTime(timestamp) ? undefined : "the time is out of range"
}

/** A time of last use that the store cannot hold does not count: it is no reason to lose a queue. */
function unstorableQueue(queue: LoggedQueue): string | undefined {
  const { recipientId, senderId, linkId, linkData, notifier } = queue
  if (!isId(recipientId)) return "the recipient ID has not 24 bytes"
  if (!isId(senderId)) return "the sender ID has not 24 bytes"
  return (
    unstorableKeys(queue.recipientKeys) ??
    (linkId === undefined || linkData === undefined ? undefined : unstorableLink(linkId, linkData)) ??
    (notifier === undefined ? undefined : unstorableNotifier(notifier)) ??
    unstorableServiceId(queue.rcvServiceId)
  )
}

function unstorableService(service: ServiceRecord): string | undefined {
  const { serviceId, fingerprint, certificates, createdAt } = service
  if (fingerprint.length !== FINGERPRINT) return "the certificate hash has not 32 bytes"
  if (certificates.length > MOST_CERTIFICATES) return "too many certificates"
  if (certificates.some(({ length }) => length > MOST_DATA)) return "a certificate is too long"
  return unstorableServiceId(serviceId) ?? (isTime(createdAt) ? undefined : "the time is out of range")
}

function unstorableKeys(keys: readonly Uint8Array[]): string | undefined {
  return keys.length > MOST_KEYS ? "too many recipient keys" : undefined
}

function unstorableLink(linkId: Uint8Array, { fixedData, userData }: LinkData): string | undefined {
  if (linkId.length > MOST_LINK_ID) return "the link ID is too long"
  return Math.max(fixedData.length, userData.length) > MOST_DATA ? "the link data is too long" : undefined
}

function unstorableNotifier({ notifierId, serviceId }: Notifier): string | undefined {
  return isId(notifierId) ? unstorableServiceId(serviceId) : "the notifier ID has not 24 bytes"
}

function unstorableServiceId(serviceId: Uint8Array | undefined): string | undefined {
  return serviceId === undefined || isId(serviceId) ? undefined : "the service ID has not 24 bytes"
}

/** Nonces have the length of IDs. */
function isId(bytes: Uint8Array): boolean {
  return bytes.length === ID_LENGTH
}

function isTime(seconds: number): boolean {
  return seconds >= 0 && seconds < END_OF_TIME
}
