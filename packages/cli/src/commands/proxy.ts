import type { Command } from "commander"
import { teach } from "../teach.ts"

/** `sluice proxy` */
export function addProxy(program: Command, exit: (code: number) => void): void {
  const command = program
    .command("proxy")
    .summary("run the private-routing proxy alone")
    .description(
      "Runs the proxy of the data folder and nothing else: it forwards senders' commands to relays, which then do not see\n" +
        "the senders' addresses, and has no queues. Settings are in [proxy_server] and [proxy]; certificates as of a relay.\n" +
        "A relay is a proxy already; this is for one that should be nothing else.",
    )
    .action(async (_options: unknown, self: Command) => {
      const { proxy } = await import("../actions/serve.ts")
      exit(await proxy(self.optsWithGlobals()))
    })
  teach(command, [["sluice proxy --data /var/lib/sluice-proxy", "in a systemd unit or a container"]])
}
