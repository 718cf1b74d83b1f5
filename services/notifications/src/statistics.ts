import type { PushKind } from "@sluice/push/provider"

/** What is counted since the start, under the names that the reference's daily file has (notifications.md §7). */
export class NtfStatistics {
  tokensCreated = 0
  tokensVerified = 0
  tokensDeleted = 0
  tokensReplaced = 0
  /** Registrations that were never verified and were removed. */
  tokensExpired = 0
  /** Registrations and replacements beyond what a connection may make. */
  registrationsRefused = 0
  subscriptionsCreated = 0
  subscriptionsDeleted = 0
  received = 0
  /** Notifications that nobody may get. */
  receivedAuth = 0
  verificationQueued = 0
  verificationInvalidToken = 0
  readonly delivered: Record<PushKind, number> = { verification: 0, message: 0, "check-messages": 0 }
  readonly failed: Record<PushKind, number> = { verification: 0, message: 0, "check-messages": 0 }
  /** Second attempts. */
  retried = 0
  /** Pushes that a newer one of the same token took the place of before they were sent. */
  superseded = 0
}
