/** Whether something is as it should be, may become a problem, or is one. */
export type Severity = "ok" | "warning" | "problem"

/** What a check found. */
export interface Finding {
  /** Names the kind, for scripts: stable, such as `ports.taken`. */
  readonly code: string
  readonly severity: Severity
  /** What is so, in one line. */
  readonly what: string
  /** What to do about it; there is one for everything that is not `ok`. */
  readonly advice?: string
}

/** Something that is as it should be. */
export function fine(code: string, what: string): Finding {
  return { code, severity: "ok", what }
}

/** Something that works and should be changed. */
export function warning(code: string, what: string, advice: string): Finding {
  return { code, severity: "warning", what, advice }
}

/** Something that keeps the service from working, or from keeping its promises. */
export function problem(code: string, what: string, advice: string): Finding {
  return { code, severity: "problem", what, advice }
}
