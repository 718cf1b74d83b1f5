import type { Command } from "commander"

/** A command line to type, and what it does. */
export type Example = readonly [line: string, meaning: string]

/** Adds examples to the help of a command; gives the command back. */
export function teach(command: Command, examples: readonly Example[]): Command {
  const lines = examples.map(([line, meaning]) => `  $ ${line}\n      ${meaning}`)
  return command.addHelpText("after", `\nExamples:\n${lines.join("\n")}`)
}
