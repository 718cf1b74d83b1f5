import { OperatorError } from "@sluice/ops/operator-error"
import type { Place } from "../place.ts"
import { checkFiles } from "./files.ts"
import { type Finding, fine, problem } from "./finding.ts"
import { checkIdentity } from "./identity.ts"
import type { Machine } from "./machine.ts"
import { checkNetwork } from "./network.ts"
import type { Patient } from "./patient.ts"
import { checkRedis } from "./redis.ts"
import { checkClock, checkResources } from "./resources.ts"
import { type ServiceName, type Subject, subjectOf } from "./subject.ts"

const CHECKS: readonly ((patient: Patient) => Promise<Finding[]>)[] = [
  checkFiles,
  checkIdentity,
  checkClock,
  checkNetwork,
  checkRedis,
  checkResources,
]

/** Looks at everything that a service depends on, and changes nothing. With wrong settings nothing else can be looked at. */
export async function examine(service: ServiceName, place: Place, machine: Machine): Promise<readonly Finding[]> {
  let subject: Subject
  try {
    subject = subjectOf(service, place)
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error
    return [problem("settings", error.message, "correct it there; docs/settings.md has every setting")]
  }
  const findings = [fine("settings", `${subject.given.size} settings differ from their defaults, all of them right`)]
  for (const check of CHECKS) findings.push(...(await check({ place, subject, machine })))
  return findings
}
