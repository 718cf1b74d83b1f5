import { DecodeError, EncodeError } from "./errors.ts"
import type { Reader } from "./reader.ts"
import type { Writer } from "./writer.ts"

/** A protocol version, 0..65535. */
export type Version = number

/** All versions from `min` to `max`, both included; `min <= max`. */
export interface VersionRange {
  readonly min: Version
  readonly max: Version
}

/** JSON form of a range. */
export interface VersionRangeJson {
  readonly minVersion: number
  readonly maxVersion: number
}

/** A range after checking its bounds. Throws `EncodeError` when they are no versions or in the wrong order. */
export function versionRange(min: Version, max: Version): VersionRange {
  if (!isVersion(min) || !isVersion(max) || min > max) throw new EncodeError("version range: invalid")
  return { min, max }
}

/** Two bytes: u16. */
export function readVersion(r: Reader, field: string = "version"): Version {
  return r.u16(field)
}

/** Two bytes: u16. */
export function writeVersion(w: Writer, version: Version): void {
  w.u16(version)
}

/** Four bytes: u16 min ‖ u16 max; `min > max` is refused (encoding.md §1.3). */
export function readVersionRange(r: Reader, field: string = "version range"): VersionRange {
  const min = r.u16(field)
  const max = r.u16(field)
  if (min > max) throw new DecodeError(`${field}: invalid version range`)
  return { min, max }
}

/** Four bytes: u16 min ‖ u16 max. */
export function writeVersionRange(w: Writer, range: VersionRange): void {
  if (range.min > range.max) throw new EncodeError("version range: invalid")
  w.u16(range.min).u16(range.max)
}

/** Whether the range contains the version. */
export function isCompatible(version: Version, range: VersionRange): boolean {
  return range.min <= version && version <= range.max
}

/** The version that two parties agree on, the highest they share, or `undefined` when their ranges do not meet. */
export function compatibleVersion(a: VersionRange, b: VersionRange): Version | undefined {
  return intersect(a, b)?.max
}

/** What two ranges share, or `undefined`. */
export function intersect(a: VersionRange, b: VersionRange): VersionRange | undefined {
  const min = Math.max(a.min, b.min)
  const max = Math.min(a.max, b.max)
  return min <= max ? { min, max } : undefined
}

/** The range cut off above `version`, which must lie in it: otherwise `undefined`. */
export function capRange(range: VersionRange, version: Version): VersionRange | undefined {
  return isCompatible(version, range) ? { min: range.min, max: version } : undefined
}

/** Decimal. */
export function formatVersion(version: Version): string {
  return String(version)
}

/** Decimal; throws `DecodeError` on anything but 1 or more digits of a value up to 65535. */
export function parseVersion(text: string): Version {
  const version = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (!isVersion(version)) throw new DecodeError("version: not a version number")
  return version
}

/** `min-max`, or just `v` when both are equal. */
export function formatVersionRange(range: VersionRange): string {
  return range.min === range.max ? formatVersion(range.min) : `${range.min}-${range.max}`
}

/** Reads both forms of {@link formatVersionRange}. */
export function parseVersionRange(text: string): VersionRange {
  const dash = text.indexOf("-")
  const min = parseVersion(dash < 0 ? text : text.slice(0, dash))
  const max = dash < 0 ? min : parseVersion(text.slice(dash + 1))
  if (min > max) throw new DecodeError("version range: invalid")
  return { min, max }
}

/** Object with the field names of the JSON form. */
export function versionRangeToJson(range: VersionRange): VersionRangeJson {
  return { minVersion: range.min, maxVersion: range.max }
}

/** Reads the JSON form after `JSON.parse`; throws `DecodeError` on any other value. */
export function versionRangeFromJson(value: unknown): VersionRange {
  const { minVersion: min, maxVersion: max } = (value ?? {}) as Partial<Record<keyof VersionRangeJson, unknown>>
  if (!isVersion(min) || !isVersion(max) || min > max) throw new DecodeError("version range: invalid JSON")
  return { min, max }
}

function isVersion(value: unknown): value is Version {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 0xffff
}
