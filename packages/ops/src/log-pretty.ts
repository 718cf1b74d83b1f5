import type { LineSink } from "./log.ts"

/** A sink for JSON log lines that writes them for people: `12:34:56.789 WARN  relay listener: message key=value`. */
export function prettyLines(out: LineSink): LineSink {
  return { write: (line) => out.write(prettyLine(line)) }
}

/** One JSON log line in the form for people; the frames of an error's stack follow on lines of their own. */
export function prettyLine(json: string): string {
  const { level, time, service, component, message, error, ...fields } = JSON.parse(json) as Record<string, unknown>
  const shown = Object.entries(fields).map(([name, value]) => `${name}=${plain(value)}`)
  const { summary, frames } = errorParts(error)
  const source = component === undefined ? plain(service) : `${plain(service)} ${plain(component)}`
  const head = `${String(time).slice(11, 23)} ${String(level).toUpperCase().padEnd(5)} ${source}: ${plain(message, true)}`
  const line = [head, ...shown, ...summary].join(" ")
  return `${[line, ...frames.map((frame) => `    ${frame}`)].join("\n")}\n`
}

function errorParts(error: unknown): { summary: string[]; frames: string[] } {
  if (typeof error !== "object" || error === null) return { summary: [], frames: [] }
  const { class: name, code, message, stack, cause } = error as Record<string, unknown>
  const inner = errorParts(cause)
  const text = [name, code, message].filter((part) => part !== undefined).map((part) => plain(part, true))
  return {
    summary: [`error=${text.join(":")}`, ...inner.summary.map((part) => `cause.${part}`)],
    frames: typeof stack === "string" ? stack.split("\n").map((frame) => plain(frame, true)) : inner.frames,
  }
}

/** The value as it is if that is unmistakable, otherwise as JSON: a terminal must never be sent control characters. */
function plain(value: unknown, spaces = false): string {
  const text = typeof value === "string" ? value : JSON.stringify(value)
  const harmless = spaces ? /^[^\p{Cc}\p{Cf}]*$/u : /^[^\p{Cc}\p{Cf}\s"=]+$/u
  return typeof value !== "string" || harmless.test(text) ? text : JSON.stringify(text).replace(/[\p{Cc}\p{Cf}]/gu, "?")
}
