import type { Command } from "commander"
import { teach } from "../teach.ts"

/** `sluice doctor` */
export function addDoctor(program: Command, exit: (code: number) => void): void {
  const command = program
    .command("doctor")
    .summary("look for what keeps the relay from working")
    .description(
      "Looks at settings, files and permissions, certificates and their dates, the clock, ports and addresses, names, Redis\n" +
        "(reachable, version, durability), file descriptors, memory and disk, and says what to do about each finding. Changes\n" +
        "nothing; run it as the user of the service. Exit code 0: no problem, warnings at most; 1: problems.",
    )
    .option("--json", "print JSON: problems, warnings, findings with code, severity, what, advice")
    .action(async (_options: unknown, self: Command) => {
      const { doctor } = await import("../actions/doctor.ts")
      exit(await doctor(self.optsWithGlobals()))
    })
  teach(command, [
    ["sudo -u sluice sluice doctor --data /var/lib/sluice", "before the first start, and when something is wrong"],
    ["sluice doctor --json | jq '.findings[] | select(.severity != \"ok\")'", "for scripts"],
  ])
}
