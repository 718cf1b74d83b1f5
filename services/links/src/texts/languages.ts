import { de } from "./de.ts"
import { en, type TextKey, type Texts } from "./en.ts"
import { es } from "./es.ts"

/** A language of the pages. */
export interface Language {
  /** BCP 47 tag, lower case. */
  readonly tag: string
  /** In itself. */
  readonly name: string
  readonly texts: Texts
}

/** All languages; a new one is a file like the others, and a line here. The first is for everybody else. */
export const LANGUAGES: readonly [Language, ...Language[]] = [
  { tag: "en", name: "English", texts: en },
  { tag: "de", name: "Deutsch", texts: de },
  { tag: "es", name: "Español", texts: es },
]

/** Entries of `Accept-Language` that are looked at. */
const MOST_ENTRIES = 20

/**
 * The language that a visitor chose (`lang` of the query), or else the one that the browser prefers.
 * @param accept header `Accept-Language`
 */
export function chooseLanguage(chosen: string | undefined, accept: string | undefined): Language {
  const [fallback] = LANGUAGES
  const wanted = chosen === undefined ? preferences(accept ?? "") : [chosen]
  for (const tag of wanted) {
    const [primary] = tag.toLowerCase().split("-", 1)
    const found = LANGUAGES.find((language) => language.tag === primary)
    if (found !== undefined) return found
  }
  return fallback
}

/** A text with `{name}` put in. */
export function fill(texts: Texts, key: TextKey, values: Readonly<Record<string, string>>): string {
  return texts[key].replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole)
}

function preferences(header: string): readonly string[] {
  return header
    .split(",", MOST_ENTRIES)
    .map((entry) => {
      const [tag = "", ...parameters] = entry.trim().split(";")
      const weight = parameters.map((text) => /^\s*q=([\d.]+)\s*$/.exec(text)?.[1]).find((text) => text !== undefined)
      return { tag: tag.trim(), weight: weight === undefined ? 1 : Number(weight) }
    })
    .filter(({ tag, weight }) => tag !== "" && weight > 0)
    .toSorted((a, b) => b.weight - a.weight)
    .map(({ tag }) => tag)
}
