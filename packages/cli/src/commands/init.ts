import type { Command } from "commander"
import { teach } from "../teach.ts"

/** `sluice init` */
export function addInit(program: Command): void {
  const command = program
    .command("init")
    .summary("make a relay: configuration and certificates")
    .description(
      "Makes a relay: a commented sluice.toml, an offline CA and an online certificate. Prints the relay's address.\n" +
        "Refuses when there is one already: its certificates are its address.",
    )
    .option("--host <names>", "names under which clients reach it, separated by commas (default: localhost)")
    .option("--port <port>", "TCP port (default: 5223)")
    .option("--password [password]", "ask for a password for creating queues; a random one if none is given")
    .option("--ed448", "certificates with Ed448 keys in place of Ed25519")
    .option("--json", "print JSON: address, fingerprint, files")
    .action(async (_options: unknown, self: Command) => {
      const { init } = await import("../actions/init.ts")
      await init(self.optsWithGlobals())
    })
  teach(command, [
    ["sluice init", "a relay for this machine, in ./data"],
    ["sluice init --data /var/lib/sluice --host smp.example.org --password", "one for the world, its queues for you"],
    ["sluice init --host smp.example.org,abcdef.onion --port 443", "two names, and the port that is open everywhere"],
  ])
}
