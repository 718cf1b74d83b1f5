import { OperatorError } from "./operator-error.ts"

/** An error as it is written to the log. */
export interface LoggedError {
  readonly class: string
  /** The error's own code, such as `ECONNREFUSED`. */
  readonly code?: string
  /** Only of an OperatorError, whose messages are made for this, or when asked for. */
  readonly message?: string
  /** Frames only, one per line. */
  readonly stack?: string
  /** The error that caused it, in the same form. */
  readonly cause?: LoggedError
}

/** Causes are followed this far. */
const DEEPEST_CAUSE = 3

/**
 * Class, code and stack of what was thrown. Messages are left out unless `withMessage`: those of the runtime and of
 * libraries quote addresses ("connect ECONNREFUSED 192.0.2.7:5223"), host names and input. So are all other fields.
 */
export function describeError(error: unknown, withMessage = false, depth = 0): LoggedError {
  if (!(error instanceof Error)) return { class: `thrown ${error === null ? "null" : typeof error}` }
  const code = codeOf(error)
  const frames = framesOf(error)
  return {
    class: identifier(error.name) ?? "Error",
    ...(code !== undefined && { code }),
    ...((withMessage || error instanceof OperatorError) && { message: error.message }),
    ...(frames !== undefined && { stack: frames }),
    ...(error.cause !== undefined &&
      depth < DEEPEST_CAUSE && { cause: describeError(error.cause, withMessage, depth + 1) }),
  }
}

function codeOf(error: Error): string | undefined {
  if (!("code" in error)) return undefined
  return typeof error.code === "number" ? String(error.code) : identifier(error.code)
}

/** Class names and codes are words of the code; anything else in their place is not. */
function identifier(value: unknown): string | undefined {
  return typeof value === "string" && /^[A-Za-z_$][\w$]{0,63}$/.test(value) ? value : undefined
}

/**
 * The stack behind its first part, "Class: message", which is cut off by its length: a message may contain lines that look
 * like frames. Where the stack does not begin like that, the message was changed and nothing tells where the frames are.
 */
function framesOf({ stack, message }: Error): string | undefined {
  if (typeof stack !== "string") return undefined
  const intro = (message === "" ? /^[\w$ .[\]]*/ : /^[\w$ .[\]]*: /).exec(stack)?.[0]
  const header = `${intro}${message}`
  if (intro === undefined || !stack.startsWith(`${header}\n`)) return undefined
  const frames = stack
    .slice(header.length)
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line.startsWith("at "))
  return frames.length === 0 ? undefined : frames.join("\n")
}
