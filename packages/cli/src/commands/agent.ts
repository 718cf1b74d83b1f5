import type { Command } from "commander"
import { teach } from "../teach.ts"

/** `sluice agent …` */
export function addAgent(program: Command, exit: (code: number) => void): void {
  const command = program
    .command("agent")
    .summary("run an agent for programs in any language")
    .description(
      "Offers end-to-end encrypted connections to programs on this machine: calls and events as JSON over a WebSocket, for\n" +
        "whoever can read the token file. Prints its address and that file. Settings are in [agent]; docs/agent-service.md\n" +
        "is the reference.",
    )
    .action(async (_options: unknown, self: Command) => {
      const { agent } = await import("../actions/agent.ts")
      exit(await agent(self.optsWithGlobals()))
    })
  teach(command, [
    ['SLUICE_AGENT_RELAYS="$(sluice address)" sluice agent', "with a user on the relay of the data folder"],
    ["python3 examples/python/agent.py data/agent/token", "a program that uses it"],
  ])
  const reference = command
    .command("reference")
    .summary("print docs/agent-service.md")
    .description("Prints the page of the documents that lists every call and event; it is made from the program.")
    .action(async () => {
      const { agentReference } = await import("../actions/agent.ts")
      await agentReference()
    })
  teach(reference, [["sluice agent reference > docs/agent-service.md", "after a change of the calls"]])
  const schema = command
    .command("schema")
    .summary("print docs/agent-service.schema.json")
    .description("Prints calls and events as JSON Schema.")
    .action(async () => {
      const { agentSchema } = await import("../actions/agent.ts")
      await agentSchema()
    })
  teach(schema, [["sluice agent schema > agent.schema.json", "for generators of code"]])
}
