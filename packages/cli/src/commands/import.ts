import type { Command } from "commander"
import { teach } from "../teach.ts"

/** `sluice import` and `sluice export` */
export function addImport(program: Command): void {
  const take = program
    .command("import")
    .summary("take over a stopped reference server: queues, messages, address")
    .description(
      "Reads the files of a stopped smp-server (memory store with a store log) into a new embedded store. With its\n" +
        "certificates the address stays the same. The source is only read. Can be interrupted and run again: a store\n" +
        "appears when it is complete. Records that can't be taken are listed, one line each.",
    )
    .option("--from <folder>", "data folder of the reference server (/var/opt/simplex)")
    .option("--certificates <folder>", "its configuration folder, for the certificates (/etc/opt/simplex)")
    .option("--store-log <file>", "the store log, in place of the one in the data folder")
    .option("--messages <file>", "the messages log, likewise")
    .option("--notifications <file>", "the notifications log, likewise")
    .option("--dry-run", "read and check everything, write nothing")
    .option("--json", "print the summary as JSON")
    .action(async (_options: unknown, self: Command) => {
      const { importReference } = await import("../actions/import.ts")
      await importReference(self.optsWithGlobals())
    })
  teach(take, [
    ["sluice import --from /var/opt/simplex --certificates /etc/opt/simplex --dry-run", "what would be taken"],
    ["sluice import --from /var/opt/simplex --certificates /etc/opt/simplex", "take it over, into ./data"],
  ])
  const give = program
    .command("export")
    .summary("write the store as files of the reference server")
    .description(
      "Writes queues, messages, notifications and certificates in the formats of smp-server into a new folder. The relay\n" +
        "must not be running; open a snapshot to export while it serves.",
    )
    .argument("<folder>", "a folder that is not there yet")
    .option("--json", "print the summary as JSON")
    .action(async (folder: string, _options: unknown, self: Command) => {
      const { exportReference } = await import("../actions/import.ts")
      await exportReference(folder, self.optsWithGlobals())
    })
  teach(give, [["sluice export ./for-smp-server", "files for /var/opt/simplex and /etc/opt/simplex"]])
}
