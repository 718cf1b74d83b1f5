import { HIDDEN } from "./secret.ts"

/** Exit code of a program that refused its configuration, arguments or surroundings. */
export const OPERATOR_ERROR_EXIT_CODE = 2

/**
 * What went wrong in terms that the operator can act on: a wrong setting, a missing file, a port in use.
 *
 * The message is always exactly one line and is printed as it is, without a stack, so it must name the thing to
 * change and must not contain secrets. Programs that end with it use exit code 2; every other error is a defect
 * or a failure at run time and ends with 1.
 */
export class OperatorError extends Error {
  override readonly name = "OperatorError"
  readonly exitCode: number = OPERATOR_ERROR_EXIT_CODE

  constructor(message: string, options?: ErrorOptions) {
    super(oneLine(message), options)
  }
}

/** Passwords in URLs and addresses: what stands between the name of a user, or a key hash, and the host. */
const PASSWORDS = /(:\/\/[^:@\s"]*):[^\s"]*@/g

/**
 * A value quoted for a one-line message: JSON, cut at 80 characters; tables and dates are only named. Passwords in URLs are
 * hidden: a relay's address with a mistake in it has its password all the same.
 */
export function quoteValue(value: unknown): string {
  if (value === undefined) return "nothing"
  if (value instanceof Date) return "a date"
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return "a table"
  const text = JSON.stringify(value, (_name, inner) => (typeof inner === "bigint" ? Number(inner) : inner))
  if (text === undefined) return `a ${typeof value}`
  const shown = text.replace(PASSWORDS, `$1:${HIDDEN}@`)
  return shown.length > 80 ? `${shown.slice(0, 77)}...` : shown
}

/** Replaces every run of line breaks and other control characters by one space. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ").trim()
}
