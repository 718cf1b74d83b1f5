import { type Command, Option } from "commander"
import { wholeNumber } from "../arguments.ts"
import { teach } from "../teach.ts"

/** `sluice up` */
export function addUp(program: Command, exit: (code: number) => void): void {
  const command = program
    .command("up")
    .summary("run everything on this machine")
    .description(
      "Makes a relay in the data folder if there is none yet (as `sluice init` does), then runs it until it is stopped.\n" +
        "On a terminal, one line shows what is going on. SIGTERM and Ctrl+C finish what was begun; SIGHUP reloads the\n" +
        "certificates and the log level.\n" +
        "With --workers, so many relay processes share the store and the port, for machines with several cores; one that\n" +
        "dies is started again while the others serve. With --cluster they share a Redis in place of the embedded store:\n" +
        "the configured one, or a local one that is started for them.",
    )
    .addOption(
      new Option("--workers <n>", "relay processes that share one store and one port (Linux)")
        .argParser(wholeNumber(1, 64))
        .conflicts("cluster"),
    )
    .option("--cluster <n>", "relay processes that share a Redis and one port (Linux)", wholeNumber(1, 64))
    .option("--links", "serve the pages for links as well (links.enabled), by default on port 8080 of this machine")
    .action(async (_options: unknown, self: Command) => {
      const { up } = await import("../actions/serve.ts")
      exit(await up(self.optsWithGlobals()))
    })
  teach(command, [
    ["sluice up", "on port 5223, everything in ./data"],
    ["sluice up --workers 4", "the same on four cores"],
    ["sluice up --cluster 3", "three relays on a Redis, to try"],
    ["SLUICE_DATA=/tmp/try SLUICE_RELAY_PORT=7001 sluice up", "somewhere else"],
  ])
}
