/** The line that somebody is writing. */
export interface Line {
  readonly text: string
  /** Where the next character goes, in UTF-16 units; always between two characters as people count them. */
  readonly cursor: number
  /** Lines that were sent, oldest first. */
  readonly history: readonly string[]
  /** Which of them is shown; beyond the last one it is the new line. */
  readonly at: number
}

/** What was pressed, as far as it matters here. */
export interface Pressed {
  readonly leftArrow?: boolean
  readonly rightArrow?: boolean
  readonly upArrow?: boolean
  readonly downArrow?: boolean
  readonly home?: boolean
  readonly end?: boolean
  readonly backspace?: boolean
  readonly delete?: boolean
  readonly ctrl?: boolean
  readonly meta?: boolean
}

export const EMPTY_LINE: Line = { text: "", cursor: 0, history: [], at: 0 }

const LONGEST_HISTORY = 100
const characters = new Intl.Segmenter(undefined, { granularity: "grapheme" })

/** The line after a key, with the keys that shells have: arrows, Home and End, Ctrl-A, E, U, W, K. */
export function press(line: Line, input: string, key: Pressed): Line {
  const { text, cursor } = line
  if (key.leftArrow) return { ...line, cursor: before(text, cursor) }
  if (key.rightArrow) return { ...line, cursor: after(text, cursor) }
  if (key.upArrow) return recall(line, line.at - 1)
  if (key.downArrow) return recall(line, line.at + 1)
  if (key.home || (key.ctrl && input === "a")) return { ...line, cursor: 0 }
  if (key.end || (key.ctrl && input === "e")) return { ...line, cursor: text.length }
  if (key.ctrl && input === "u") return cut(line, 0, cursor)
  if (key.ctrl && input === "k") return cut(line, cursor, text.length)
  if (key.ctrl && input === "w") return cut(line, text.slice(0, cursor).search(/\S*\s*$/), cursor)
  // Most terminals send for the backspace key what others send for the delete key.
  if (key.backspace || key.delete) return cut(line, before(text, cursor), cursor)
  return key.ctrl || key.meta ? line : insert(line, input)
}

/** Puts a text at the cursor; one that was pasted may have several lines, which become one. */
export function insert(line: Line, input: string): Line {
  const visible = input.replace(/[\r\n\t]+/g, " ").replace(/\p{Cc}/gu, "")
  const text = line.text.slice(0, line.cursor) + visible + line.text.slice(line.cursor)
  return { ...line, text, cursor: line.cursor + visible.length }
}

/** The line was sent: an empty one, with the old one in the history. */
export function submitted({ text, history }: Line): Line {
  const kept = [...history.filter((earlier) => earlier !== text), text].slice(-LONGEST_HISTORY)
  return { text: "", cursor: 0, history: kept, at: kept.length }
}

function cut(line: Line, from: number, to: number): Line {
  return { ...line, text: line.text.slice(0, from) + line.text.slice(to), cursor: from }
}

function recall(line: Line, at: number): Line {
  if (at < 0 || at > line.history.length) return line
  const text = line.history[at] ?? ""
  return { ...line, text, cursor: text.length, at }
}

/** The place before the character that ends at `cursor`. */
function before(text: string, cursor: number): number {
  const starts = [...characters.segment(text.slice(0, cursor))]
  return starts.at(-1)?.index ?? 0
}

function after(text: string, cursor: number): number {
  const [next] = characters.segment(text.slice(cursor))
  return cursor + (next?.segment.length ?? 0)
}
