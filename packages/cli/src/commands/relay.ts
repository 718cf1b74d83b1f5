import type { Command } from "commander"
import { teach } from "../teach.ts"

/** `sluice relay` */
export function addRelay(program: Command, exit: (code: number) => void): void {
  const command = program
    .command("relay")
    .summary("run the relay, for service managers")
    .description(
      "Runs the relay of the data folder and nothing else: makes nothing, prints only the log, as JSON unless on a terminal.\n" +
        "Exit code 0 after SIGTERM or SIGINT. SIGHUP reloads the certificates and the log level.",
    )
    .action(async (_options: unknown, self: Command) => {
      const { relay } = await import("../actions/serve.ts")
      exit(await relay(self.optsWithGlobals()))
    })
  teach(command, [
    ["sluice relay --data /var/lib/sluice --config /etc/sluice.toml", "in a systemd unit or a container"],
  ])
}
