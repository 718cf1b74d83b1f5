// The only file that reads process.env: everything else gets the environment as an argument.

/** A copy of the process environment without the variables that have no value. */
export function readEnv(): Readonly<Record<string, string>> {
  const copy: Record<string, string> = {}
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined) copy[name] = value
  }
  return Object.freeze(copy)
}
