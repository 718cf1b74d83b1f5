// As much of vitest as the vector tests use, for running them where vitest does not run: in a page of a browser.

/** What came of all tests. */
export interface Outcome {
  passed: number
  readonly failures: { readonly name: string; readonly message: string }[]
}

const outcome: Outcome = { passed: 0, failures: [] }
Object.assign(globalThis, { outcome })
const path: string[] = []

type Named = Readonly<Record<string, unknown>>

function inside(name: string, run: () => void): void {
  path.push(name)
  run()
  path.pop()
}

function title(pattern: string, value: Named): string {
  return pattern.replace(/\$(\w+)/g, (_, key: string) => String(value[key]))
}

export function describe(name: string, run: () => void): void {
  inside(name, run)
}

describe.each =
  <T extends Named>(values: readonly T[]) =>
  (pattern: string, run: (value: T) => void): void => {
    for (const value of values) inside(title(pattern, value), () => run(value))
  }

export function test(name: string, run: () => void): void {
  try {
    run()
    outcome.passed++
  } catch (error) {
    outcome.failures.push({ name: [...path, name].join(" > "), message: String(error) })
  }
}

test.each =
  <T extends Named>(values: readonly T[]) =>
  (pattern: string, run: (value: T) => void): void => {
    for (const value of values) test(title(pattern, value), () => run(value))
  }

/** Anything that has these properties. */
class Containing {
  readonly part: Named

  constructor(part: Named) {
    this.part = part
  }

  matches(value: unknown): boolean {
    return Object.entries(this.part).every(([key, expected]) => equal((value as Named)[key], expected))
  }
}

interface Matchers {
  toBe(expected: unknown): void
  toEqual(expected: unknown): void
  toHaveLength(expected: number): void
  toThrow(expected?: string | Containing | (new (...args: never[]) => unknown)): void
}

export function expect(actual: unknown): Matchers {
  const check = (right: boolean, expected: unknown): void => {
    if (!right) throw new Error(`expected ${show(expected)}, got ${show(actual)}`)
  }
  return {
    toBe: (expected) => check(Object.is(actual, expected), expected),
    toEqual: (expected) => check(equal(actual, expected), expected),
    toHaveLength: (expected) => check((actual as { length: number }).length === expected, expected),
    toThrow: (expected) => {
      const thrown = thrownBy(actual as () => unknown)
      if (expected === undefined) check(thrown !== undefined, "an error")
      else if (expected instanceof Containing) check(expected.matches(thrown?.error), expected.part)
      else if (typeof expected === "string") check(String(thrown?.error).includes(expected), expected)
      else check(thrown?.error instanceof expected, expected.name)
    },
  }
}

expect.objectContaining = (part: Named): Containing => new Containing(part)

function thrownBy(run: () => unknown): { readonly error: unknown } | undefined {
  try {
    run()
    return undefined
  } catch (error) {
    return { error }
  }
}

/** Deep equality, for which a property that is undefined is as good as none. */
function equal(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false
  if (Array.isArray(a) && a.length !== (b as unknown[]).length) return false
  const keys = new Set([...Object.keys(a), ...Object.keys(b)])
  return [...keys].every((key) => equal((a as Named)[key], (b as Named)[key]))
}

function show(value: unknown): string {
  const text = JSON.stringify(value, (_, inner: unknown) => (typeof inner === "bigint" ? `${inner}n` : inner)) ?? ""
  return text.length > 300 ? `${text.slice(0, 300)}…` : text
}
