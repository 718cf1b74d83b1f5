import type { Command } from "commander"
import { teach } from "../teach.ts"

/** `sluice config …` */
export function addConfig(program: Command): void {
  const config = program
    .command("config")
    .summary("show, check or explain the configuration")
    .description(
      "Settings come from sluice.toml and from SLUICE_* variables, which win. All of them are in docs/settings.md.",
    )
  const show = config
    .command("show")
    .summary("the settings in force, and where each comes from")
    .description("Prints every setting as it is in force, with its origin. Secrets are hidden.")
    .option("--json", "print JSON")
    .action(async (_options: unknown, self: Command) => {
      const { showConfig } = await import("../actions/config.ts")
      showConfig(self.optsWithGlobals())
    })
  teach(show, [["SLUICE_RELAY_PORT=7001 sluice config show", "what that variable changes"]])
  const check = config
    .command("check")
    .summary("whether the configuration is right")
    .description("Checks file and environment. Exit code 0: right; 2: wrong, with a line that says what is allowed.")
    .action(async (_options: unknown, self: Command) => {
      const { checkConfig } = await import("../actions/config.ts")
      checkConfig(self.optsWithGlobals())
    })
  teach(check, [["sluice config check --config new.toml && mv new.toml data/sluice.toml", "before a restart"]])
  const example = config
    .command("example")
    .summary("print a configuration file with every setting explained")
    .description(
      "Prints the file that `sluice init` writes: every setting with its meaning, commented out at its default.",
    )
    .action(async () => {
      const { exampleConfig } = await import("../actions/config.ts")
      exampleConfig()
    })
  teach(example, [["sluice config example > sluice.toml", "a start for a file of your own"]])
  const reference = config
    .command("reference")
    .summary("print docs/settings.md")
    .description("Prints the page of the documents that lists every setting; it is made from the program.")
    .action(async () => {
      const { configReference } = await import("../actions/config.ts")
      configReference()
    })
  teach(reference, [["sluice config reference > docs/settings.md", "after a change of the settings"]])
}
