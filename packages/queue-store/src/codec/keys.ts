import type { ServiceKind } from "../records.ts"
import { readU48, writeU48 } from "./numbers.ts"

/** Keys of entries that are not simply an ID. */

/** Bytes of IDs of queues, senders, notifiers, services and messages. */
export const ID_LENGTH = 24
/** Longest link ID: one length byte on the wire. */
const LINK_ID_LIMIT = 255

/** Whether the bytes have the length of an ID that the server makes. */
export function isId(id: Uint8Array): boolean {
  return id.length === ID_LENGTH
}

/** Whether the bytes can be a link ID; clients choose those of contact queues. */
export function isLinkId(id: Uint8Array): boolean {
  return id.length > 0 && id.length <= LINK_ID_LIMIT
}

/** Key of a body: u48 number, in the order of arrival. */
export function bodyKey(number: number): Uint8Array {
  const key = new Uint8Array(6)
  writeU48(key, 0, number)
  return key
}

/** Key of a notification: 24 notifier ID, u48 sequence number. */
export function notificationKey(notifierId: Uint8Array, sequence: number): Uint8Array {
  const key = new Uint8Array(ID_LENGTH + 6)
  key.set(notifierId)
  writeU48(key, ID_LENGTH, sequence)
  return key
}

/** The parts of a notification's key; the ID is a copy. */
export function notificationKeyParts(key: Uint8Array): { notifierId: Uint8Array; sequence: number } {
  return { notifierId: key.slice(0, ID_LENGTH), sequence: readU48(key, ID_LENGTH) }
}

/** Greatest sequence number, above all that occur. */
export const LAST_SEQUENCE: number = 2 ** 48 - 1

/** Key of a service's totals and prefix of its queues: 24 service ID, u8 kind. */
export function serviceKindKey(serviceId: Uint8Array, kind: ServiceKind): Uint8Array {
  const key = new Uint8Array(ID_LENGTH + 1)
  key.set(serviceId)
  key[ID_LENGTH] = kind === "messages" ? 0 : 1
  return key
}

/** Key of an association: 24 service ID, u8 kind, 24 recipient or notifier ID. */
export function associationKey(serviceId: Uint8Array, kind: ServiceKind, id: Uint8Array): Uint8Array {
  const key = new Uint8Array(ID_LENGTH + 1 + id.length)
  key.set(serviceKindKey(serviceId, kind))
  key.set(id, ID_LENGTH + 1)
  return key
}
