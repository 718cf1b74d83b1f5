import type { Command } from "commander"
import { secondsOption, wholeNumber } from "../arguments.ts"
import { teach } from "../teach.ts"

/** `sluice ping` */
export function addPing(program: Command): void {
  const command = program
    .command("ping")
    .summary("connect to a relay and show what it is")
    .description(
      "Connects to an SMP relay, checks that it is the one of the address, and shows TLS, certificates, protocol versions\n" +
        "and round-trip times. Works with any SMP server.",
    )
    .argument("[address]", "smp://fingerprint[:password]@host[:port] (default: the relay in the data folder)")
    .option("-c, --count <n>", "number of pings", wholeNumber(1, 10_000), 5)
    .option("--timeout <seconds>", "for connecting, and for each answer", secondsOption, 15_000)
    .option("--json", "print JSON")
    .action(async (address: string | undefined, _options: unknown, self: Command) => {
      const { ping } = await import("../actions/ping.ts")
      await ping(address, self.optsWithGlobals())
    })
  teach(command, [
    ['sluice ping "$(sluice address)"', "your own relay"],
    ["sluice ping smp://…@smp.example.org", "any other, by the address you were given"],
    ["sluice ping --json -c 100 | jq .roundTrip.medianMs", "for scripts"],
  ])
}
