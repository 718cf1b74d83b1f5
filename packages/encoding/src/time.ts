import { DecodeError, EncodeError } from "./errors.ts"

/** A moment with the resolution of the reference's clock type; string forms keep the fraction, binary ones drop it. */
export interface UtcTime {
  /** Whole seconds since the Unix epoch, within the years 0 to 9999. */
  readonly seconds: number
  /** Fraction of the second, 0 to 999 999 999 999. */
  readonly picoseconds: number
}

const FORM = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,12}))?Z$/
const FRACTION_DIGITS = 12
const MAX_PICOSECONDS = 999_999_999_999
const FIRST_SECOND = -62_167_219_200 // 0000-01-01T00:00:00Z
const LAST_SECOND = 253_402_300_799 // 9999-12-31T23:59:59Z

/** ISO 8601 in UTC, e.g. `2022-01-01T10:24:05Z`, with a fraction only where there is one (encoding.md §2.2). */
export function formatUtcTime(time: UtcTime): string {
  if (!isWithin(time.seconds, FIRST_SECOND, LAST_SECOND) || !isWithin(time.picoseconds, 0, MAX_PICOSECONDS)) {
    throw new EncodeError("time: out of range")
  }
  const fraction = String(time.picoseconds).padStart(FRACTION_DIGITS, "0").replace(/0+$/, "")
  return `${formatSecond(time.seconds)}${fraction === "" ? "" : `.${fraction}`}Z`
}

/**
 * Reads {@link formatUtcTime}. Throws `DecodeError` on dates that do not exist, other time zones, more than 12 digits of
 * fraction and leap seconds.
 */
export function parseUtcTime(text: string): UtcTime {
  const [, second, fraction = ""] = FORM.exec(text) ?? []
  if (second === undefined) throw new DecodeError("time: not ISO 8601 in UTC")
  const seconds = Date.parse(`${second}Z`) / 1000
  // Date.parse takes February 30 for March 2 and 24:00 for the next day; a real date comes back unchanged.
  if (Number.isNaN(seconds) || formatSecond(seconds) !== second) throw new DecodeError("time: no such date")
  return { seconds, picoseconds: Number(fraction.padEnd(FRACTION_DIGITS, "0")) }
}

function formatSecond(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, -".000Z".length)
}

function isWithin(value: number, min: number, max: number): boolean {
  return Number.isInteger(value) && value >= min && value <= max
}
