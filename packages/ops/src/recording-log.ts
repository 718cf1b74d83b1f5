import type { Log, LogLevel } from "./log.ts"
import type { DebugFields, LogFields } from "./log-fields.ts"

/** A line that was logged, with its fields as they were given. */
export interface LogEntry {
  readonly level: LogLevel
  readonly component: string
  readonly message: string
  readonly fields: LogFields | DebugFields
}

/** A log for tests that keeps its lines. */
export interface RecordingLog extends Log {
  readonly entries: readonly LogEntry[]
}

/** A log that writes nothing and can be asked what it was told, its children included. */
export function recordingLog(): RecordingLog {
  const entries: LogEntry[] = []
  return { ...recorder(entries, ""), entries }
}

/** A log that forgets. */
export const silentLog: Log = {
  error: () => undefined,
  warn: () => undefined,
  info: () => undefined,
  debug: () => undefined,
  child: () => silentLog,
}

function recorder(entries: LogEntry[], component: string): Log {
  const at =
    (level: LogLevel) =>
    (message: string, fields: LogFields | DebugFields | (() => DebugFields) = {}): void => {
      entries.push({ level, component, message, fields: typeof fields === "function" ? fields() : fields })
    }
  return {
    error: at("error"),
    warn: at("warn"),
    info: at("info"),
    debug: at("debug"),
    child: (name) => recorder(entries, component === "" ? name : `${component}/${name}`),
  }
}
