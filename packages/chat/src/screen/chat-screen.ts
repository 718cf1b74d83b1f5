import { Box, Static, Text, useInput, usePaste } from "ink"
import { createElement as h, type ReactNode, useState, useSyncExternalStore } from "react"
import { type Conversation, type Entry, type Mark, nameOf, settled } from "./conversation.ts"
import { EMPTY_LINE, insert, type Line, press, submitted } from "./line-editor.ts"

/** What the screen shows, told to it whenever it changes. */
export interface ScreenModel {
  readonly get: () => Conversation
  readonly subscribe: (changed: () => void) => () => void
}

export interface ChatScreenProps {
  readonly model: ScreenModel
  /** Somebody has pressed Enter. */
  readonly onLine: (text: string) => void
  readonly onEnd: () => void
}

const MARKS: Readonly<Record<Mark, string>> = { waiting: "…", sent: "✓", received: "✓✓", failed: "✗ not delivered" }

/** The conversation, and below it the line that is being written. Printed entries are never drawn again. */
export function ChatScreen({ model, onLine, onEnd }: ChatScreenProps): ReactNode {
  const state = useSyncExternalStore(model.subscribe, model.get)
  const [line, setLine] = useState<Line>(EMPTY_LINE)
  useInput((input, key) => {
    if (key.ctrl && (input === "c" || (input === "d" && line.text === ""))) return onEnd()
    if (!key.return) return setLine((now) => press(now, input, key))
    if (line.text.trim() !== "") onLine(line.text)
    setLine(submitted)
  })
  usePaste((text) => setLine((now) => insert(now, text)))
  const fixed = settled(state)
  return h(
    Box,
    { flexDirection: "column" },
    h(Static<Entry>, {
      items: state.entries.slice(0, fixed),
      // biome-ignore lint/correctness/noChildrenProp: a function as the only child, which createElement has no type for
      children: (entry) => h(EntryLine, { key: entry.number, entry }),
    }),
    ...state.entries.slice(fixed).map((entry) => h(EntryLine, { key: entry.number, entry })),
    h(InputLine, { key: "input", line, to: state.partner === undefined ? undefined : nameOf(state.partner) }),
  )
}

function EntryLine({ entry: { kind, who, text, mark } }: { readonly entry: Entry }): ReactNode {
  if (kind === "note") return h(Text, { dimColor: true }, text)
  const name = h(Text, { bold: true, color: kind === "own" ? "green" : "cyan" }, `${who}: `)
  const state = mark === undefined ? "" : ` ${MARKS[mark]}`
  return h(Text, null, name, text, h(Text, { dimColor: true, ...(mark === "failed" && { color: "red" }) }, state))
}

function InputLine({
  line: { text, cursor },
  to,
}: {
  readonly line: Line
  readonly to: string | undefined
}): ReactNode {
  const prompt = to === undefined ? "(not connected) > " : `${to} > `
  // The character at the cursor is drawn inverse; at the end of the line that is a space.
  const at = [...new Intl.Segmenter().segment(text.slice(cursor))][0]?.segment ?? " "
  const rest = text.slice(cursor + (cursor < text.length ? at.length : 0))
  return h(Text, null, h(Text, { bold: true }, prompt), text.slice(0, cursor), h(Text, { inverse: true }, at), rest)
}
