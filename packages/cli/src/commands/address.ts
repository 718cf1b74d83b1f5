import type { Command } from "commander"
import { teach } from "../teach.ts"

/** `sluice address` */
export function addAddress(program: Command): void {
  const command = program
    .command("address")
    .summary("print the relay's address")
    .description("Prints the address of the relay in the data folder, alone on one line.")
    .option("--no-password", "leave out the password")
    .action(async (_options: unknown, self: Command) => {
      const { address } = await import("../actions/address.ts")
      await address(self.optsWithGlobals())
    })
  teach(command, [
    ["sluice address", "what goes into the settings of an app"],
    ['sluice ping "$(sluice address)"', "whether it answers"],
  ])
}
