import { fromLatin1, latin1 } from "@sluice/encoding/bytes"

/*
 * Queries of links, as the network writes and reads them (agent.md §2, short-links.md §10). Names and values are bytes;
 * here they are texts with one character (U+0000 to U+00FF) a byte.
 */

/** Parameters of a query by name: of a name that is given twice the first value counts, unknown ones do no harm. */
export type Query = ReadonlyMap<string, string>

const UNRESERVED = /[A-Za-z0-9\-_.~]/
const HEX_PAIR = /^[0-9A-Fa-f]{2}$/

/** Reads `a=b&c=d`. `;` separates like `&`, `+` means a space, a broken escape stands for itself. */
export function parseQuery(text: string): Query {
  const query = new Map<string, string>()
  for (const pair of text.split(/[&;]/)) {
    const equals = pair.indexOf("=")
    const name = unescapeQuery(equals < 0 ? pair : pair.slice(0, equals))
    if (!query.has(name)) query.set(name, equals < 0 ? "" : unescapeQuery(pair.slice(equals + 1)))
  }
  return query
}

/** Writes the parameters in the given order; those with the value `undefined` are left out. */
export function formatQuery(parameters: readonly (readonly [name: string, value: string | undefined])[]): string {
  return parameters
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${escapeQuery(value ?? "")}`)
    .join("&")
}

/** Percent-encodes all but letters, digits and `-_.~`, with upper-case digits. */
export function escapeQuery(value: string): string {
  let escaped = ""
  for (const char of fromLatin1(latin1(value))) {
    escaped += UNRESERVED.test(char) ? char : `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`
  }
  return escaped
}

function unescapeQuery(text: string): string {
  let value = ""
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at)
    const digits = text.slice(at + 1, at + 3)
    if (char === "%" && HEX_PAIR.test(digits)) {
      value += String.fromCharCode(Number.parseInt(digits, 16))
      at += 2
    } else {
      value += char === "+" ? " " : char
    }
  }
  return value
}
