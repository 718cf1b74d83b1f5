const BARE_OR_QUOTED = /(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')/.source
const KEY = `${BARE_OR_QUOTED}(?:\\s*\\.\\s*${BARE_OR_QUOTED})*`
const HEADER = new RegExp(`^\\s*\\[{1,2}\\s*(${KEY})\\s*\\]{1,2}\\s*(?:#.*)?$`)
const ASSIGNMENT = new RegExp(`^\\s*(${KEY})\\s*=(.*)$`)
const SEGMENTS = new RegExp(BARE_OR_QUOTED, "g")

/**
 * The line, counted from 1, on which each key and section of a TOML document begins, by full dotted path. The TOML parser
 * does not tell; this is only for error messages, so layouts it does not follow (keys inside inline tables) are simply
 * missing from the map.
 */
export function tomlLines(text: string): ReadonlyMap<string, number> {
  const lines = new Map<string, number>()
  let section: string[] = []
  let openString: string | undefined
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (openString !== undefined) {
      if (line.includes(openString)) openString = undefined
      continue
    }
    const header = HEADER.exec(line)
    if (header !== null) {
      section = segments(header[1] ?? "")
      record(lines, section, index + 1)
      continue
    }
    const assignment = ASSIGNMENT.exec(line)
    if (assignment === null) continue
    record(lines, [...section, ...segments(assignment[1] ?? "")], index + 1)
    openString = opensLongString(assignment[2] ?? "")
  }
  return lines
}

/** The line of a path, or of the closest table around it that has one. */
export function lineOf(lines: ReadonlyMap<string, number>, path: readonly string[]): number | undefined {
  for (let length = path.length; length > 0; length--) {
    const line = lines.get(path.slice(0, length).join("."))
    if (line !== undefined) return line
  }
  return undefined
}

function record(lines: Map<string, number>, path: readonly string[], line: number): void {
  const name = path.join(".")
  if (!lines.has(name)) lines.set(name, line)
}

function segments(key: string): string[] {
  return (key.match(SEGMENTS) ?? []).map((part) => part.replace(/^["']|["']$/g, ""))
}

/** The delimiter of a string that begins here and goes on on the next line. */
function opensLongString(value: string): string | undefined {
  const delimiter = /^\s*("""|''')/.exec(value)?.[1]
  return delimiter !== undefined && value.split(delimiter).length === 2 ? delimiter : undefined
}
