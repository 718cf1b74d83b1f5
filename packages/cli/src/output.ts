import { visibleText } from "@sluice/short-links/visible-text"

// Standard output holds what a script wants to read, and nothing else. Everything for people goes to standard error.

/** Prints one line of data to standard output. */
export function printData(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** Prints a value as one line of JSON to standard output. */
export function printJson(value: unknown): void {
  printData(JSON.stringify(value))
}

/** Tells the person at the terminal something. */
export function say(line = ""): void {
  process.stderr.write(`${line}\n`)
}

/**
 * Rows of two columns as lines; the first column is as wide as its widest cell. A cell may have several lines. What could
 * command the terminal is left out: links and relays say some of it.
 */
export function columns(rows: readonly (readonly [name: string, value: string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows
    .map(([name, value]) => [name, visibleText(value, Number.POSITIVE_INFINITY)] as const)
    .map(([name, value]) => `${name.padEnd(width)}  ${value.replaceAll("\n", `\n${" ".repeat(width + 2)}`)}`)
    .join("\n")
}
