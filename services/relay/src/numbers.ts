/** Counters by name. */
export type Numbers = Readonly<Record<string, number>>

/** The numbers among the properties of an object. */
export function numbersOf(object: object): Numbers {
  const entries: (readonly [string, number])[] = []
  for (const [name, value] of Object.entries(object)) if (typeof value === "number") entries.push([name, value])
  return Object.fromEntries(entries)
}

/** What was counted between two readings; a counter that the earlier one lacks counts from 0. */
export function difference(later: Numbers, earlier: Numbers): Numbers {
  return Object.fromEntries(Object.entries(later).map(([name, value]) => [name, value - (earlier[name] ?? 0)]))
}

/** The counters of `a`, each with that of `b` added if there is one. */
export function sum(a: Numbers, b: Numbers): Numbers {
  return Object.fromEntries(Object.entries(a).map(([name, value]) => [name, value + (b[name] ?? 0)]))
}
