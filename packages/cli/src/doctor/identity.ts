import { nativeCrypto } from "@sluice/crypto/native"
import { CertificateError } from "@sluice/transport/certificate-error"
import { loadCredentials } from "@sluice/transport/certificates"
import { describeChain } from "../certificate-table.ts"
import { isOpen, octal } from "./files.ts"
import { type Finding, fine, problem, warning } from "./finding.ts"
import type { Patient } from "./patient.ts"

/** Below this many days a certificate should be replaced. */
const SOON = 30

/** The identity's files: there, closed, belonging together, and neither over nor soon to be. */
export async function checkIdentity({ place, subject, machine }: Patient): Promise<Finding[]> {
  const files = subject.identity
  // A service without certificates of its own; or nothing is there at all, which is a finding already.
  if (files === undefined || (await machine.file(place.dataFolder)) === undefined) return []
  const findings: Finding[] = []
  for (const path of [files.leafKey, files.caKey]) {
    const facts = await machine.file(path)
    if (facts !== undefined && isOpen(facts)) {
      findings.push(
        problem(
          "identity.open",
          `others can read the key ${path} (mode ${octal(facts)})`,
          `chmod 600 ${path}; if others were there, \`sluice cert rotate\``,
        ),
      )
    }
  }
  if ((await machine.file(files.caKey)) !== undefined) {
    const advice =
      "move it to another machine: whoever has it can be this server, and only `sluice cert rotate` needs it"
    findings.push(warning("identity.ca-key", `${files.caKey} is on this machine`, advice))
  }
  const now = Math.floor(machine.now() / 1000)
  try {
    const { chain } = await loadCredentials(nativeCrypto, files, now)
    const shown = describeChain(chain, now)
    const [first] = shown.toSorted((a, b) => a.daysLeft - b.daysLeft)
    if (first !== undefined && first.daysLeft < SOON) {
      const advice = "bring ca.key here, `sluice cert rotate`, and send the service SIGHUP; the address stays the same"
      findings.push(warning("identity.expires", `the ${first.role} certificate ends in ${first.daysLeft} days`, advice))
    }
    if (findings.length === 0)
      findings.push(fine("identity", `the certificates belong together; the first ends in ${first?.daysLeft} days`))
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error
    findings.push(problem(`identity.${error.problem.code.toLowerCase()}`, error.message, adviceFor(error)))
  }
  return findings
}

function adviceFor({ problem: { code } }: CertificateError): string {
  switch (code) {
    case "MISSING":
      return "bring the identity from its backup; `sluice init` makes a new one, with another address"
    case "INACCESSIBLE":
      return "run this as the user of the service; the file must be its own, mode 0600"
    case "GARBLED":
      return "bring the file from the backup; server.crt and server.key can be made again with `sluice cert rotate`"
    case "MISMATCH":
      return "take both files from the same backup, or make new ones with ca.key: `sluice cert rotate`"
    case "INVALID":
      return "look at the dates with `sluice cert show` and at the clock with `date`; `sluice cert rotate` makes a new one"
    case "EXISTS":
      return "leave it there"
    default:
      return code satisfies never
  }
}
