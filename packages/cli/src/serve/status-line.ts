import type { LineSink } from "@sluice/ops/log"
import type { RelayFigures } from "@sluice/relay/relay"

/** A terminal, as far as it is needed here. */
export interface Screen {
  readonly columns?: number
  write(text: string): unknown
}

const EVERY_MS = 1_000
const CLEAR = "\r\u001b[2K"

/** One line at the bottom of a terminal that is kept up to date; log lines appear above it. */
export class StatusLine implements LineSink {
  readonly #screen: Screen
  #text = ""
  #timer: NodeJS.Timeout | undefined

  constructor(screen: Screen) {
    this.#screen = screen
  }

  /** Shows the line from now on; `read` is called once a second. */
  show(read: () => RelayFigures): void {
    let before = { at: performance.now(), sent: read().sent }
    const update = (): void => {
      const status = read()
      const at = performance.now()
      const perSecond = at > before.at ? ((status.sent - before.sent) * 1000) / (at - before.at) : 0
      before = { at, sent: status.sent }
      this.#draw(statusText(status, perSecond))
    }
    update()
    this.#timer = setInterval(update, EVERY_MS)
    this.#timer.unref()
  }

  /** Takes the line away for good. */
  hide(): void {
    clearInterval(this.#timer)
    this.#draw("")
  }

  /** Writes a whole line above. */
  write(line: string): void {
    this.#screen.write(`${CLEAR}${line}${this.#text}`)
  }

  #draw(text: string): void {
    // A line that wraps could not be cleared. Some terminals say that they have no columns.
    this.#text = text.slice(0, Math.max(0, (this.#screen.columns || 80) - 1))
    this.#screen.write(CLEAR + this.#text)
  }
}

/** The numbers with their nouns. */
export function statusText({ connections, queues }: RelayFigures, perSecond: number): string {
  const rate = perSecond >= 10 || perSecond === 0 ? perSecond.toFixed(0) : perSecond.toFixed(1)
  return `${count(connections, "connection")} · ${count(queues, "queue")} · ${rate} messages/s`
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? "" : "s"}`
}
