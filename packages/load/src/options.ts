import type { Auth } from "./load-queue.ts"
import type { LinkOptions } from "./open-link.ts"
import type { Mode } from "./report.ts"

/** What every mode takes. */
export interface CommonOptions extends LinkOptions {
  readonly mode: Mode
  readonly auth: Auth
  /** Process of the server on this machine, to report what it uses. */
  readonly pid?: number | undefined
}
