import { dirname } from "node:path"
import { type Finding, fine, problem, warning } from "./finding.ts"
import type { FileFacts } from "./machine.ts"
import type { Patient } from "./patient.ts"
import type { Subject } from "./subject.ts"

/** The data folder and the configuration file: there, ours, and closed to others. */
export async function checkFiles({ place, subject, machine }: Patient): Promise<Finding[]> {
  const { dataFolder, configFile } = place
  const folder = await machine.file(dataFolder)
  if (folder === undefined || !folder.isFolder) {
    return [
      problem(
        "data.missing",
        `${dataFolder} is not a folder`,
        `make one there with \`${subject.service === "notifications" ? "sluice notifications init" : "sluice init"}\`, or name another with --data`,
      ),
    ]
  }
  const findings: Finding[] = []
  const foreign = await foreignOwner({ place, subject, machine })
  if (foreign !== undefined) {
    const advice = `give everything to the user of the service: chown -R USER ${dataFolder}`
    findings.push(problem("data.owner", `${foreign} belongs to another user, as after a start as root`, advice))
  }
  if (!(await machine.canWrite(dataFolder))) {
    const advice = `run this as the user of the service, or: chown USER ${dataFolder} && chmod 700 ${dataFolder}`
    findings.push(problem("data.read-only", `${dataFolder} cannot be written to`, advice))
  }
  if (isOpen(folder)) {
    findings.push(
      warning("data.open", `others can look into ${dataFolder} (mode ${octal(folder)})`, `chmod 700 ${dataFolder}`),
    )
  }
  const config = await machine.file(configFile)
  if (config !== undefined && isOpen(config) && (config.mode & 0o044) !== 0 && holdsSecrets(subject)) {
    findings.push(warning("settings.open", `others can read the secrets in ${configFile}`, `chmod 600 ${configFile}`))
  }
  return findings.length > 0 ? findings : [fine("data", `${dataFolder} is there, writable, and closed to others`)]
}

/** Whether users other than the owner may do anything. */
export function isOpen({ mode }: FileFacts): boolean {
  return (mode & 0o077) !== 0
}

/** Permission bits as `chmod` takes them. */
export function octal({ mode }: FileFacts): string {
  return mode.toString(8).padStart(4, "0")
}

async function foreignOwner({ place, subject, machine }: Patient): Promise<string | undefined> {
  const { user } = machine
  // Root may do everything, and no user is told apart from others on systems without them.
  if (user === undefined || user === 0) return undefined
  const identity = subject.identity && dirname(subject.identity.leafKey)
  for (const path of [place.dataFolder, subject.storeFolder, identity]) {
    const facts = path === undefined ? undefined : await machine.file(path)
    if (facts !== undefined && facts.owner !== user) return path
  }
  return undefined
}

function holdsSecrets({ given }: Subject): boolean {
  return [...given].some(
    ([key, { origin }]) =>
      /password|token|credentials/.test(key) && origin !== "default" && !origin.startsWith("SLUICE_"),
  )
}
