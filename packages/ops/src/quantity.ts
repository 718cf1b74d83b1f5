// Durations and sizes as operators write them. Inside the program a duration is a number of milliseconds and a size a
// number of bytes; both are whole and not negative.

const DURATION_UNITS: ReadonlyMap<string, number> = new Map([
  ["ms", 1],
  ["s", 1_000],
  ["m", 60_000],
  ["h", 3_600_000],
  ["d", 86_400_000],
  ["w", 604_800_000],
])

const SIZE_UNITS: ReadonlyMap<string, number> = new Map([
  ["B", 1],
  ["kB", 1_000],
  ["MB", 1_000_000],
  ["GB", 1_000_000_000],
  ["TB", 1_000_000_000_000],
  ["KiB", 2 ** 10],
  ["MiB", 2 ** 20],
  ["GiB", 2 ** 30],
  ["TiB", 2 ** 40],
])

/** Units that sizes are printed in, largest first. */
const PRINTED_SIZES = ["TiB", "GiB", "MiB", "KiB"] as const
const PRINTED_DURATIONS = ["d", "h", "m", "s"] as const

/** Milliseconds of `1.5s`, `250ms`, `2h`, `21d`; a plain number is seconds. `undefined` if it is nothing of the kind. */
export function parseDuration(input: string | number): number | undefined {
  return parseQuantity(input, DURATION_UNITS, 1_000)
}

/** Bytes of `64MiB`, `1.5GB`, `512`; a plain number is bytes. `undefined` if it is nothing of the kind. */
export function parseSize(input: string | number): number | undefined {
  return parseQuantity(input, SIZE_UNITS, 1)
}

/** The shortest exact spelling of a number of milliseconds; {@link parseDuration} gives the same number back. */
export function formatDuration(milliseconds: number): string {
  const unit = PRINTED_DURATIONS.find((name) => milliseconds % (DURATION_UNITS.get(name) ?? 1) === 0)
  if (milliseconds === 0) return "0s"
  if (unit !== undefined) return `${milliseconds / (DURATION_UNITS.get(unit) ?? 1)}${unit}`
  return milliseconds > 1_000 ? `${milliseconds / 1_000}s` : `${milliseconds}ms`
}

/** The shortest exact spelling of a number of bytes; {@link parseSize} gives the same number back. */
export function formatSize(bytes: number): string {
  const unit = PRINTED_SIZES.find((name) => bytes !== 0 && bytes % (SIZE_UNITS.get(name) ?? 1) === 0)
  return unit === undefined ? `${bytes}B` : `${bytes / (SIZE_UNITS.get(unit) ?? 1)}${unit}`
}

function parseQuantity(input: string | number, units: ReadonlyMap<string, number>, plain: number): number | undefined {
  const match = /^(\d+(?:\.\d+)?) ?([a-zA-Z]*)$/.exec(String(input).trim())
  if (match === null) return undefined
  const factor = match[2] === "" ? plain : units.get(match[2] ?? "")
  if (factor === undefined) return undefined
  const number = Number(match[1])
  // Rounded, because 1.005 * 1000 is not 1005 in binary; what rounds to nothing was not meant to be nothing.
  const value = Math.round(number * factor)
  return Number.isSafeInteger(value) && (value > 0 || number === 0) ? value : undefined
}
