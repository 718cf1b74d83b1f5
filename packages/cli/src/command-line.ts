import { Command } from "commander"
import { addAddress } from "./commands/address.ts"
import { addAdmin } from "./commands/admin.ts"
import { addAgent } from "./commands/agent.ts"
import { addBackup } from "./commands/backup.ts"
import { addBench } from "./commands/bench.ts"
import { addCert } from "./commands/cert.ts"
import { addChat } from "./commands/chat.ts"
import { addConfig } from "./commands/config.ts"
import { addDemo } from "./commands/demo.ts"
import { addDoctor } from "./commands/doctor.ts"
import { addImport } from "./commands/import.ts"
import { addInit } from "./commands/init.ts"
import { addLink } from "./commands/link.ts"
import { addLinks } from "./commands/links.ts"
import { addMigrateStore } from "./commands/migrate-store.ts"
import { addNotifications } from "./commands/notifications.ts"
import { addPing } from "./commands/ping.ts"
import { addProxy } from "./commands/proxy.ts"
import { addQueue } from "./commands/queue.ts"
import { addRelay } from "./commands/relay.ts"
import { addUp } from "./commands/up.ts"
import { reportFailure } from "./failure.ts"
import { say } from "./output.ts"
import { teach } from "./teach.ts"
import { VERSION } from "./version.ts"

/**
 * Runs one command to its end and gives the exit code: 0 done, 1 failed, 2 asked wrongly or configured wrongly. Whatever
 * goes wrong is told on standard error.
 */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  let code = 0
  const program = commandLine((given) => {
    code = given
  })
  try {
    await program.parseAsync(args, { from: "user" })
    return code
  } catch (error) {
    return reportFailure(error)
  }
}

/** The commands with their help. `exit` gets the exit code of those that decide it themselves. */
export function commandLine(exit: (code: number) => void): Command {
  const program = new Command("sluice")
    .description("SimpleX servers: a relay for SMP queues, and tools to run, look at and try it.")
    .version(`sluice ${VERSION}`)
    .option("--data <folder>", "folder of everything that is written (SLUICE_DATA; default ./data)")
    .option("--config <file>", "configuration (SLUICE_CONFIG; default sluice.toml in the data folder)")
    .exitOverride()
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      outputError: (text) => say(oneLine(text)),
    })
  teach(program, [
    ["sluice up", "make a relay if there is none yet, and run it"],
    ["sluice demo", "in a second terminal: two clients exchange messages through it"],
    ['sluice ping "$(sluice address)"', "what the relay answers, and how fast"],
    ["sluice help queue", "more about one command"],
  ])
  for (const add of [
    addInit,
    addAddress,
    addCert,
    addConfig,
    addPing,
    addQueue,
    addLink,
    addDemo,
    addChat,
    addImport,
    addMigrateStore,
    addBackup,
    addAdmin,
    addBench,
  ])
    add(program)
  for (const add of [addDoctor, addUp, addRelay, addProxy, addLinks, addNotifications, addAgent]) add(program, exit)
  return program
}

/** The parser's message with its suggestion, in the form that all messages have. */
function oneLine(text: string): string {
  const line = text.replace(/^error: /, "").trim()
  return `sluice: ${line.replace(/\s*\n\(Did you mean (.*)\?\)$/, "; did you mean $1?").replace(/\s+/g, " ")}`
}
