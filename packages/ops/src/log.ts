// The logger that every component gets. It wraps pino so that only checked fields reach it.
import { destination, type Logger as PinoLogger, pino } from "pino"
import type { Clock } from "./clock.ts"
import { describeError } from "./log-error.ts"
import { type DebugFields, debugFields, type LogFields, safeFields } from "./log-fields.ts"
import { prettyLines } from "./log-pretty.ts"
import { RepeatLimiter } from "./repeat-limiter.ts"

/** From the least to the most talkative. */
export const LOG_LEVELS = ["error", "warn", "info", "debug"] as const

/**
 * By who must act: `error` wakes someone, `warn` may become one, `info` is rare and tells what an operator would note in
 * a diary, `debug` is per request, off by default, and the only one that may name clients.
 */
export type LogLevel = (typeof LOG_LEVELS)[number]

/** The log of one component: a fixed message plus fields. Messages never contain values. */
export interface Log {
  error(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  /** @param fields or a function that gives them, called only if the level is on */
  debug(message: string, fields?: DebugFields | (() => DebugFields)): void
  /** The log of a part of this component; lines carry `component: "this/part"`. */
  child(component: string): Log
}

/** The log of a process, from which those of its components come. */
export interface RootLog extends Log {
  readonly level: LogLevel
  /** Takes effect at once, also on children. */
  setLevel(level: LogLevel): void
  /** Writes what rate limiting has held back. */
  flush(): void
}

/** Takes whole lines, each ending in a line break. */
export interface LineSink {
  write(line: string): unknown
}

export interface LogOptions {
  readonly level: LogLevel
  /** `auto` is pretty on a terminal and JSON otherwise. */
  readonly format: "auto" | "json" | "pretty"
  /** Which service of the fleet this is. */
  readonly service: string
  /** The same line is written this often per minute, then only counted. Debug lines are not limited. 20. */
  readonly repeats?: number
}

export interface LogComponents {
  readonly clock: Clock
  /** By default standard error; standard output belongs to the commands. */
  readonly sink?: LineSink
  /** By default whether standard error is a terminal. */
  readonly terminal?: boolean
}

const REPEAT_WINDOW = 60_000
const REPEAT_KEYS = 1_000

/** Creates the log of a process. Lines are written before the call returns, so that a crash loses none. */
export function createLog(options: LogOptions, { clock, sink, terminal }: LogComponents): RootLog {
  const out = sink ?? destination({ fd: 2, sync: true })
  const isTerminal = terminal ?? process.stderr.isTTY === true
  const pretty = options.format === "pretty" || (options.format === "auto" && isTerminal)
  const writer = pino(
    {
      level: options.level,
      base: { service: options.service },
      messageKey: "message",
      timestamp: () => `,"time":"${new Date(clock.now()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    pretty ? prettyLines(out) : out,
  )
  const limits = { burst: options.repeats ?? 20, window: REPEAT_WINDOW, maxKeys: REPEAT_KEYS }
  const limiter = new RepeatLimiter<Line>(limits, clock, ({ level, component, message }, suppressed) => {
    writer[level]({ ...component, suppressed }, message)
  })
  return new GuardedRootLog({ writer, limiter })
}

type LimitedLevel = Exclude<LogLevel, "debug">

/** What is needed to write how often a line was repeated. */
interface Line {
  readonly level: LimitedLevel
  readonly component: Component
  readonly message: string
}

/** The `component` field, or none. */
type Component = { readonly component?: string }

/** What the logs of all components have in common. */
interface Shared {
  readonly writer: PinoLogger
  readonly limiter: RepeatLimiter<Line>
}

class GuardedLog implements Log {
  protected readonly shared: Shared
  readonly #component: Component

  constructor(shared: Shared, component: Component = {}) {
    this.shared = shared
    this.#component = component
  }

  error(message: string, fields?: LogFields): void {
    this.#write("error", message, fields)
  }

  warn(message: string, fields?: LogFields): void {
    this.#write("warn", message, fields)
  }

  info(message: string, fields?: LogFields): void {
    this.#write("info", message, fields)
  }

  debug(message: string, fields: DebugFields | (() => DebugFields) = {}): void {
    const { writer } = this.shared
    if (!writer.isLevelEnabled("debug")) return
    const { error: thrown, ...given } = typeof fields === "function" ? fields() : fields
    const error = thrown === undefined ? {} : { error: describeError(thrown, true) }
    writer.debug({ ...this.#component, ...debugFields(given), ...error }, message)
  }

  child(component: string): Log {
    const parent = this.#component.component
    return new GuardedLog(this.shared, { component: parent === undefined ? component : `${parent}/${component}` })
  }

  #write(level: LimitedLevel, message: string, { error: thrown, ...fields }: LogFields = {}): void {
    const { writer, limiter } = this.shared
    if (!writer.isLevelEnabled(level)) return
    const component = this.#component
    if (!limiter.admit(`${level} ${component.component ?? ""} ${message}`, { level, component, message })) return
    // Who turned debug on has asked for the messages of errors, too.
    const withMessage = writer.isLevelEnabled("debug")
    const error = thrown === undefined ? {} : { error: describeError(thrown, withMessage) }
    writer[level]({ ...component, ...safeFields(fields), ...error }, message)
  }
}

class GuardedRootLog extends GuardedLog implements RootLog {
  get level(): LogLevel {
    const { level } = this.shared.writer
    return LOG_LEVELS.find((name) => name === level) ?? "info"
  }

  setLevel(level: LogLevel): void {
    this.shared.writer.level = level
  }

  flush(): void {
    this.shared.limiter.flush()
  }
}
