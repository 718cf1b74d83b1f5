import { ActiveQueues } from "./active-queues.ts"

/**
 * What the relay counts, under the reference's names (relay-internals.md §12). Plain numbers: handlers add to them, and
 * metrics and the daily line read them.
 */
export class Statistics {
  qCreated = 0
  qSecured = 0
  qDeletedAll = 0
  qDeletedAllB = 0
  qDeletedNew = 0
  qDeletedSecured = 0
  qBlocked = 0
  qSub = 0
  qSubAllB = 0
  qSubAuth = 0
  qSubDuplicate = 0
  qSubProhibited = 0
  qSubEnd = 0
  qSubEndB = 0
  ntfCreated = 0
  ntfNewCreated = 0
  ntfDeleted = 0
  ntfDeletedB = 0
  ntfSub = 0
  ntfSubB = 0
  ntfSubAuth = 0
  ntfSubDuplicate = 0
  msgSent = 0
  msgSentAuth = 0
  msgSentQuota = 0
  msgSentLarge = 0
  msgSentBlock = 0
  msgSentNtf = 0
  msgRecv = 0
  msgRecvGet = 0
  msgRecvNtf = 0
  msgGet = 0
  msgGetNoMsg = 0
  msgGetAuth = 0
  msgGetDuplicate = 0
  msgGetProhibited = 0
  msgExpired = 0
  msgNtfs = 0
  msgNtfsB = 0
  msgNtfExpired = 0
  pMsgFwdsRecv = 0
  /** First messages of the queues of services, sent after SUBS; and those left out because the queue had one. */
  rcvServicesSubMsg = 0
  rcvServicesSubDuplicate = 0
  /** Times from delivery to acknowledgement, milliseconds; told to whoever listens. */
  onAcknowledged: ((milliseconds: number) => void) | undefined
  active = new ActiveQueues()
  /** The same for messages with the notification flag. */
  activeNtf = new ActiveQueues()
  readonly names = new NameStatistics()
  readonly rcvServices = new ServiceStatistics()
  readonly ntfServices = new ServiceStatistics()

  /** A message was accepted. */
  sent(recipientId: Uint8Array, notify: boolean): void {
    this.msgSent++
    this.active.add(recipientId)
    if (!notify) return
    this.msgSentNtf++
    this.activeNtf.add(recipientId)
  }

  /** A message was acknowledged and removed. */
  received(recipientId: Uint8Array, notify: boolean): void {
    this.msgRecv++
    this.active.add(recipientId)
    if (!notify) return
    this.msgRecvNtf++
    this.activeNtf.add(recipientId)
  }

  deliveryAcknowledged(milliseconds: number): void {
    this.onAcknowledged?.(milliseconds)
  }
}

/** The same for services of one kind. */
export class ServiceStatistics {
  assocNew = 0
  assocDuplicate = 0
  assocUpdated = 0
  assocRemoved = 0
  subCount = 0
  subDuplicate = 0
  subQueues = 0
  subEnd = 0
  subOk = 0
  subMore = 0
  subFewer = 0
  subDiff = 0
  subMoreTotal = 0
  subFewerTotal = 0
}

/** Look-ups of names (RSLV) and what became of them. */
export class NameStatistics {
  requests = 0
  success = 0
  notFound = 0
  resolverErrors = 0
  /** Without a resolver. */
  disabled = 0
}
