import { InvalidArgumentError } from "commander"

/** Reads an option that is a whole number from `min` to `max`. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (!/^\d+$/.test(text) || value < min || value > max) {
      throw new InvalidArgumentError(`Allowed: a whole number, ${min} to ${max}`)
    }
    return value
  }
}

/** Reads an option that is a number of seconds, fractions included; gives milliseconds. */
export function secondsOption(text: string): number {
  const milliseconds = Math.round(Number(text) * 1000)
  if (!/^\d+(\.\d+)?$/.test(text) || milliseconds < 1 || milliseconds > 86_400_000) {
    throw new InvalidArgumentError("Allowed: seconds, such as 0.5 or 30, up to 86400")
  }
  return milliseconds
}
