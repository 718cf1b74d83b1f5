import { examine } from "../doctor/examine.ts"
import type { Finding } from "../doctor/finding.ts"
import { thisMachine } from "../doctor/machine.ts"
import type { ServiceName } from "../doctor/subject.ts"
import { FAILURE_EXIT_CODE } from "../failure.ts"
import { printData, printJson } from "../output.ts"
import { type GlobalOptions, placeOf } from "../place.ts"

/** Options of `sluice doctor`. */
export interface DoctorOptions extends GlobalOptions {
  readonly json?: true
}

/** `sluice doctor`: gives the exit code, 1 if there is a problem. */
export async function doctor(service: ServiceName, options: DoctorOptions): Promise<number> {
  const findings = await examine(service, placeOf(options), thisMachine())
  const problems = findings.filter(({ severity }) => severity === "problem").length
  const warnings = findings.filter(({ severity }) => severity === "warning").length
  if (options.json) printJson({ problems, warnings, findings })
  else {
    for (const finding of findings) printData(reportOf(finding))
    printData(`problems: ${problems}, warnings: ${warnings}`)
  }
  return problems > 0 ? FAILURE_EXIT_CODE : 0
}

function reportOf({ severity, code, what, advice }: Finding): string {
  const line = `${severity.padEnd(8)} ${what} (${code})`
  return advice === undefined ? line : `${line}\n         ${advice}`
}
