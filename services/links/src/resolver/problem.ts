/** Why the data of a link could not be given; also the word in the answer's JSON. */
export type ResolveProblem =
  /** The relay has no data for this ID, or not for everybody: deleted, never there, or a one-time invitation's. */
  | "not-found"
  /** The relay is not one of the configured ones. */
  | "not-allowed"
  /** It can't be reached, is not the one of the address, or did not answer in time. */
  | "relay-down"
  /** The relay answered, but with something that has no place here: an error of its own, or too old a version. */
  | "relay-refused"
  /** Too much is under way already. */
  | "busy"
  /** This client asked too often. */
  | "rate-limited"
  /** What was asked for is no link ID or no host name. */
  | "bad-request"

/** Status of the answer for each. */
export const STATUS: Readonly<Record<ResolveProblem, number>> = {
  "not-found": 404,
  "not-allowed": 403,
  "relay-down": 504,
  "relay-refused": 502,
  busy: 503,
  "rate-limited": 429,
  "bad-request": 400,
}

/** Thrown by the resolver. The text names no link and no relay. */
export class ResolveError extends Error {
  override readonly name = "ResolveError"
  readonly problem: ResolveProblem

  constructor(problem: ResolveProblem, options?: ErrorOptions) {
    super(`the link can't be resolved: ${problem}`, options)
    this.problem = problem
  }
}
