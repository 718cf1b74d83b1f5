/** Why a request got no answer. */
export type Http2Problem =
  /** No connection, or it was lost. */
  | "connection"
  /** No answer within the time-out. */
  | "timeout"
  /** The caller's signal. */
  | "aborted"
  /** More requests than may wait for a connection or a stream. */
  | "overload"
  /** The client was closed. */
  | "closed"

/** A request got no answer. Text and fields name neither the request nor the peer. */
export class Http2RequestError extends Error {
  override readonly name = "Http2RequestError"
  readonly problem: Http2Problem
  /** The server certainly did nothing with it, so that the same bytes can be sent again. */
  readonly untouched: boolean
  /** When another attempt makes sense, in milliseconds from now; 0 is at once. */
  readonly afterMs: number

  constructor(problem: Http2Problem, options: { readonly untouched?: boolean; readonly afterMs?: number } = {}) {
    super(`no answer: ${problem}`)
    this.problem = problem
    this.untouched = options.untouched ?? false
    this.afterMs = options.afterMs ?? 0
  }
}
