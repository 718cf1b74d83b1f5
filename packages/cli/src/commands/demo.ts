import type { Command } from "commander"
import { teach } from "../teach.ts"

/** `sluice demo` */
export function addDemo(program: Command): void {
  const command = program
    .command("demo")
    .summary("two clients exchange messages through a relay")
    .description(
      "Alice and Bob, two clients, make a pair of queues on a running relay, exchange end-to-end encrypted messages both\n" +
        "ways and delete the queues. Shows step by step what each side sees, and what the relay saw.",
    )
    .argument("[address]", "the relay (default: the one in the data folder)")
    .action(async (address: string | undefined, _options: unknown, self: Command) => {
      const { demo } = await import("../actions/demo.ts")
      await demo(address, self.optsWithGlobals())
    })
  teach(command, [["sluice demo", "while `sluice up` runs in another terminal"]])
}
