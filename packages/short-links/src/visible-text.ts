/*
 * Text that strangers wrote, made fit for showing: what could move, hide or reorder other text of the page or terminal
 * is taken out. Escaping for HTML is a matter of the place that shows it.
 */

/** Control characters other than tab and line ends; directional marks, overrides and isolates; zero-width characters; BOM. */
const INVISIBLE = /[\p{Cc}\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu
const KEPT = /[\t\n]/

/** The text as several lines may show it, at most `max` UTF-16 units of it. */
export function visibleText(text: string, max: number): string {
  const clean = text.replaceAll("\r\n", "\n").replace(INVISIBLE, (char) => (KEPT.test(char) ? char : ""))
  return clean.length > max ? `${clean.slice(0, max)}\u2026` : clean
}

/** The same on one line. */
export function visibleLine(text: string, max: number): string {
  return visibleText(text, max).replace(/\s+/gu, " ").trim()
}
