/** What can be wrong with bytes that should be chat messages. */
export type ChatMessageProblem =
  /** Not JSON, not a chat message, or one whose fields have other types than its event needs. */
  | { readonly code: "SYNTAX" }
  /** Larger than what is read after decompression. */
  | { readonly code: "LARGE" }
  /** Compressed, and the reader has nothing to decompress it with, or the content is damaged. */
  | { readonly code: "COMPRESSION" }
  /** In one of the binary forms, which are for files and signed messages. */
  | { readonly code: "BINARY" }

/** The one error of this package. Its message has no part of the input in it. */
export class ChatMessageError extends Error {
  override readonly name = "ChatMessageError"
  readonly problem: ChatMessageProblem

  constructor(problem: ChatMessageProblem, options?: ErrorOptions) {
    super(`chat message: ${problem.code}`, options)
    this.problem = problem
  }
}
