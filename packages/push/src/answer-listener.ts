/**
 * Gets every answer of a push service, for operators who try their credentials: status, and the service's word for why, such
 * as `BadDeviceToken` (empty if it has none). Never a token.
 */
export type AnswerListener = (status: number, reason: string) => void

/** The words that services have; whatever else comes in their place may be anything, a token included. */
const WORD = /^[A-Za-z_]{1,40}$/

/** A reason that can be shown. */
export function shownReason(reason: string): string {
  return WORD.test(reason) ? reason : ""
}
