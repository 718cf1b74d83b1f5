import type { CommonOptions } from "./options.ts"
import type { LoadReport, LoadResult, MeasuredPart } from "./report.ts"
import { targetName } from "./target.ts"

/** Puts the parts of a run together. `version` is the one that was agreed on. */
export function resultOf(
  { mode, server }: CommonOptions,
  version: number,
  settings: LoadReport["settings"],
  parts: readonly MeasuredPart[],
): LoadResult {
  const report = { mode, server: targetName(server), version, settings, parts: parts.map((part) => part.report) }
  return { report, parts }
}
