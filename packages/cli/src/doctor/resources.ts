import { type Finding, fine, problem, warning } from "./finding.ts"
import type { Patient } from "./patient.ts"

const MIB = 2 ** 20
const GIB = 2 ** 30
/** Memory of a service without any client. */
const AT_REST = 200 * MIB
/** File descriptors for everything that is not a client. */
const OTHER_FILES = 200
/** The oldest Node whose behaviour is tested. */
const NODE_MAJOR = 24
/** A clock that is before this is certainly wrong: 2025-01-01. */
const EARLIEST = Date.UTC(2025, 0, 1)
/** Clocks and files of other machines may be ahead by this, in milliseconds. */
const TOLERANCE = 300_000

/** File descriptors, memory, disk, the version of Node. */
export async function checkResources({ subject, machine, place }: Patient): Promise<Finding[]> {
  const { max, key, bytes } = subject.connections
  const findings: Finding[] = []

  const files = await machine.maxFiles()
  if (files !== undefined && files < max + OTHER_FILES) {
    const advice = `LimitNOFILE=${2 * max} in the unit, \`ulimit -n\`, or lower ${key}`
    findings.push(problem("limits.files", `${files} file descriptors are too few for ${max} connections`, advice))
  } else findings.push(fine("limits.files", `${files ?? "enough"} file descriptors`))

  const memory = machine.memory()
  const wanted = AT_REST + max * bytes
  if (memory < wanted) {
    const advice = `${key} = ${Math.max(1, Math.floor((memory - AT_REST) / bytes))} fits; or more memory`
    findings.push(
      warning(
        "memory",
        `${size(memory)} of memory are less than the ${size(wanted)} that ${max} connections need`,
        advice,
      ),
    )
  } else findings.push(fine("memory", `${size(memory)} of memory`))

  if ((await machine.file(place.dataFolder)) !== undefined) {
    const { free, total } = await machine.disk(place.dataFolder)
    if (free < GIB || free < total / 50) {
      findings.push(
        problem(
          "disk",
          `${size(free)} are free on the disk of ${place.dataFolder}`,
          "make room, or move the data folder: without any, messages are refused",
        ),
      )
    } else findings.push(fine("disk", `${size(free)} free on the disk`))
  }

  const major = Number(/^v(\d+)\./.exec(machine.nodeVersion)?.[1] ?? 0)
  if (major < NODE_MAJOR) {
    findings.push(
      problem(
        "node",
        `Node ${machine.nodeVersion} is too old`,
        `use Node ${NODE_MAJOR}: \`npm run setup\` installs it into the project`,
      ),
    )
  } else findings.push(fine("node", `Node ${machine.nodeVersion}`))
  return findings
}

/** The clock, held against what was written before now. */
export async function checkClock({ subject, machine }: Patient): Promise<Finding[]> {
  const now = machine.now()
  const advice = "set the clock and keep it right: `timedatectl set-ntp true`; certificates and expiry depend on it"
  if (now < EARLIEST) return [problem("clock", `the clock says ${new Date(now).toISOString()}`, advice)]
  for (const path of [subject.identity?.leafCertificate, subject.storeFolder]) {
    const facts = path === undefined ? undefined : await machine.file(path)
    if (facts !== undefined && facts.changedAt > now + TOLERANCE) {
      return [problem("clock", `${path} was written in the future: the clock is behind`, advice)]
    }
  }
  return [fine("clock", new Date(now).toISOString())]
}

function size(bytes: number): string {
  return bytes < GIB ? `${Math.floor(bytes / MIB)} MiB` : `${(bytes / GIB).toFixed(1)} GiB`
}
