/** A line on the terminal that shows how far a long piece of work is; nothing where standard error is no terminal. */
export interface ProgressBar extends Disposable {
  show(stage: string, done: number, total: number): void
  /** Prints a line that stays, above the bar. */
  line(text: string): void
  clear(): void
}

const WIDTH = 30
/** Milliseconds between two drawings. */
const PACE = 100

export function progressBar(
  terminal: Pick<NodeJS.WriteStream, "write" | "isTTY"> = process.stderr,
  now: () => number = () => performance.now(),
): ProgressBar {
  let drawnAt = Number.NEGATIVE_INFINITY
  let drawn = false
  const clear = (): void => {
    if (drawn) terminal.write("\r\x1b[2K")
    drawn = false
  }
  return {
    show(stage, done, total) {
      if (!terminal.isTTY || (now() - drawnAt < PACE && done < total)) return
      drawnAt = now()
      const part = total > 0 ? Math.min(1, done / total) : 1
      const full = Math.round(part * WIDTH)
      terminal.write(
        `\r\x1b[2K${stage.padEnd(14)} [${"=".repeat(full)}${" ".repeat(WIDTH - full)}] ${Math.floor(part * 100)} %`,
      )
      drawn = true
    },
    line(text) {
      clear()
      terminal.write(`${text}\n`)
    },
    clear,
    [Symbol.dispose]: clear,
  }
}
