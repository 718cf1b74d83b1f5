import { Argument, type Command } from "commander"
import type { ServiceName } from "../doctor/subject.ts"
import { teach } from "../teach.ts"

/** `sluice doctor` */
export function addDoctor(program: Command, exit: (code: number) => void): void {
  const command = program
    .command("doctor")
    .summary("look for what keeps a service from working")
    .description(
      "Looks at settings, files and permissions, certificates and their dates, the clock, ports and addresses, names, Redis\n" +
        "(reachable, version, durability), file descriptors, memory and disk, and says what to do about each finding. Changes\n" +
        "nothing; run it as the user of the service. Exit code 0: no problem, warnings at most; 1: problems.",
    )
    .addArgument(new Argument("[service]").choices(["relay", "proxy", "notifications", "links"]).default("relay"))
    .option("--json", "print JSON: problems, warnings, findings with code, severity, what, advice")
    .action(async (service: ServiceName, _options: unknown, self: Command) => {
      const { doctor } = await import("../actions/doctor.ts")
      exit(await doctor(service, self.optsWithGlobals()))
    })
  teach(command, [
    ["sudo -u sluice sluice doctor --data /var/lib/sluice", "before the first start, and when something is wrong"],
    ["sluice doctor notifications", "another service: proxy, notifications or links"],
    ["sluice doctor --json | jq '.findings[] | select(.severity != \"ok\")'", "for scripts"],
  ])
}
