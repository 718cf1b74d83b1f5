/** Draws how far something is, on one line of the terminal; nothing where standard error is no terminal. */
export function showProgress(what: string, done: number, total: number): void {
  if (!process.stderr.isTTY) return
  const part = total === 0 ? 1 : done / total
  const full = Math.round(part * 30)
  const bar = `[${"=".repeat(full)}${" ".repeat(30 - full)}]`
  process.stderr.write(`\r\x1b[2K${what} ${bar} ${Math.floor(part * 100)} %${done < total ? "" : "\n"}`)
}
