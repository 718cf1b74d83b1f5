/**
 * The one interface behind which push services stand: APNs, FCM, Web Push. A provider knows how to reach its service and
 * what its answers mean. It knows nothing of queues, registrations or stores, and keeps no token longer than a delivery.
 */

/** Where a push goes, taken apart by kind. */
export type PushTarget =
  /** `token`: hexadecimal text as the device gave it, normally 64 characters; it becomes part of a request path. */
  | { readonly kind: "apns"; readonly token: string }
  /** `token`: FCM registration token, 1 to 255 characters of `A-Za-z0-9_:-`. */
  | { readonly kind: "fcm"; readonly token: string }
  /** A subscription of RFC 8030 with the keys of RFC 8291. */
  | {
      readonly kind: "web-push"
      /** URL with `https`. Chosen by the client: whoever connects to it must refuse addresses of private networks. */
      readonly endpoint: string
      /** P-256 public key, compressed point, 33 bytes. */
      readonly publicKey: Uint8Array
      /** Authentication secret, 16 bytes. */
      readonly auth: Uint8Array
    }

/** Content that only the device can read. */
export interface SealedContent {
  /** 24 bytes, new for each call of `seal`. */
  readonly nonce: Uint8Array
  /** The padded length and 16 bytes. */
  readonly ciphertext: Uint8Array
}

/**
 * What is to be pushed. `seal` is called once for each attempt, so that no nonce is used twice, with the length that the
 * provider wants the content padded to (3072 for APNs by default, 2960 for FCM): what does not fit is left out, oldest
 * first. A length that nothing fits into (below 1024) is a mistake of the provider.
 */
export type PushNotification =
  /** Background push with the code that proves the token: JSON field `verification`. */
  | { readonly kind: "verification"; readonly seal: (paddedLength: number) => SealedContent }
  /** Alert with the list of messages: JSON field `message`. */
  | { readonly kind: "message"; readonly seal: (paddedLength: number) => SealedContent }
  /** Background push that wakes the app up: JSON field `checkMessages`. */
  | { readonly kind: "check-messages" }

export type PushKind = PushNotification["kind"]

/** Why a service refuses a token for good; the words of the protocol's `INVALID,<reason>`. */
export type TokenProblem = "BAD" | "TOPIC" | "EXPIRED" | "UNREGISTERED"

/** Why an attempt failed that may succeed when it is repeated. */
export type RetryCause =
  /** No connection, or it was lost (GOAWAY, reset, refused stream); the next attempt gets a new one. */
  | "connection"
  | "timeout"
  /** The service has a problem (500, 503). */
  | "unavailable"
  /** The service wants less (429). */
  | "limited"
  /** Our credentials had expired; the next attempt gets new ones. */
  | "credentials"
  /** The payload was too large (413); from now on this provider asks for less padding. */
  | "too-large"

/** Why an attempt failed for good although nothing is wrong with the token. */
export type FailureCause =
  /** Credentials or topic are not accepted: for the operator to mend. */
  | "configuration"
  /** The service does not take the payload. */
  | "payload"
  /** Any other refusal. */
  | "refused"
  /** The provider is not there, or was closed. */
  | "unavailable"

/** Result of one attempt. */
export type PushOutcome =
  /** The service has it. */
  | { readonly outcome: "delivered" }
  /** No push with this token will ever arrive. */
  | { readonly outcome: "token-invalid"; readonly reason: TokenProblem }
  /** Worth one more attempt after this time, in milliseconds; 0 is at once. */
  | { readonly outcome: "retry"; readonly cause: RetryCause; readonly afterMs: number }
  | { readonly outcome: "failed"; readonly cause: FailureCause }

/** A push service. */
export interface PushProvider {
  /**
   * Makes one attempt. Never rejects: whatever goes wrong, an aborted `signal` included, is an outcome. Repeating is for
   * the caller, who does it once at most. Calls may overlap; how many are under way at a time is the caller's limit.
   */
  deliver(target: PushTarget, notification: PushNotification, signal: AbortSignal): Promise<PushOutcome>
  /** Closes connections; what is under way fails. Can be called twice. */
  close(): Promise<void>
}

export const DELIVERED: PushOutcome = { outcome: "delivered" }
