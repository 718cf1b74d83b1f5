import type { AgentCommand } from "@sluice/agent/core/commands"
import { z } from "zod"
import { operation } from "./operation.ts"
import { acceptOptions, createOptions, joinOptions } from "./options.ts"
import { bytesIn, bytesOut, userId } from "./values.ts"

const connectionId = bytesIn("A connection.")

/** One kind of command; its description is what the reference says of it. */
function command<T extends AgentCommand["type"], S extends z.ZodRawShape>(type: T, description: string, shape: S) {
  return z.strictObject({ type: z.literal(type), ...shape }).describe(description)
}

/** What can be stored to be done later. */
export const COMMANDS = [
  command("create", "As `createConnection`; ends as `created`.", { userId, options: z.strictObject(createOptions) }),
  command("join", "As `joinConnection`; ends as `joined`.", {
    userId,
    link: z.string(),
    options: z.strictObject(joinOptions),
  }),
  command("accept", "As `acceptRequest`; ends as `joined`.", {
    invitationId: bytesIn("From the event."),
    options: z.strictObject(acceptOptions),
  }),
  command("set-link", "As `setLink`; ends as `link`.", { connectionId, linkData: bytesIn("What is read.") }),
  command("read-link", "As `readLink`; ends as `link-data`.", { userId, link: z.string().describe("The short link.") }),
] as const

/** The compiler looks for kinds of command that are not here. */
export const COMPLETE: [AgentCommand["type"]] extends [z.output<(typeof COMMANDS)[number]>["type"]] ? true : never =
  true

export const commandOperations = {
  later: operation(
    "Stores a command, which is carried out as soon as it is possible, also after a restart; `command-done` tells the end.",
    {
      params: z.strictObject({
        correlation: z.string().max(256).describe("Chosen by the program; the event carries the same."),
        command: z.discriminatedUnion("type", COMMANDS).meta({ id: "Command" }),
      }),
      result: z.object({ connectionId: bytesOut("What it is about, also if that is still to be made.").optional() }),
    },
    async (agent, { correlation, command: stored }) => ({ connectionId: await agent.later(correlation, stored) }),
  ),
} as const
