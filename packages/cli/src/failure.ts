import { OPERATOR_ERROR_EXIT_CODE, OperatorError } from "@sluice/ops/operator-error"
import { CommanderError } from "commander"
import { say } from "./output.ts"

/** Exit code of a command that was asked correctly and failed: no connection, a refusal by the server, no message. */
export const FAILURE_EXIT_CODE = 1

/** A failure that one line explains; what to change is outside of this program. */
export class CommandFailure extends Error {
  override readonly name = "CommandFailure"
}

/** Tells what went wrong, in one line unless it is a defect of this program, and gives the exit code. */
export function reportFailure(error: unknown): number {
  // The help and the line about a wrong argument were printed by the parser already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : OPERATOR_ERROR_EXIT_CODE
  if (error instanceof OperatorError) {
    say(`sluice: ${error.message}`)
    return error.exitCode
  }
  if (error instanceof CommandFailure) {
    say(`sluice: ${error.message}`)
    return FAILURE_EXIT_CODE
  }
  say(`sluice: this is a defect, please report it: ${error instanceof Error ? error.stack : String(error)}`)
  return FAILURE_EXIT_CODE
}
