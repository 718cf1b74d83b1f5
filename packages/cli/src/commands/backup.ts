import type { Command } from "commander"
import { teach } from "../teach.ts"

/** `sluice backup` and `sluice restore` */
export function addBackup(program: Command): void {
  const take = program
    .command("backup")
    .summary("copy a relay, running or not, into a folder")
    .description(
      "Writes certificates, settings, the embedded store and the store of the notification server, as they are at one\n" +
        "moment, into a new folder that only you can read. A running relay is asked for the copy of its store, which needs\n" +
        "admin.token. Settings from the environment are not in it.",
    )
    .argument("<folder>", "a folder that is not there yet")
    .option("--no-ca-key", "leave out the key of the identity (ca.key), which serving does not need")
    .option("--json", "print what is in it as JSON")
    .action(async (folder: string, _options: unknown, self: Command) => {
      const { backup } = await import("../actions/backup.ts")
      await backup(folder, self.optsWithGlobals())
    })
  teach(take, [['sluice backup "/backups/relay-$(date +%F)"', "every night, from cron"]])
  const give = program
    .command("restore")
    .summary("make a relay out of a backup, with the same address")
    .description(
      "Brings everything of a backup into a data folder that has none of it, and checks every file first. Can be interrupted\n" +
        "and run again. The relay that the backup is of must never run again beside this one.",
    )
    .argument("<folder>", "what sluice backup wrote")
    .option("--json", "print what is in it as JSON")
    .action(async (folder: string, _options: unknown, self: Command) => {
      const { restore } = await import("../actions/backup.ts")
      await restore(folder, self.optsWithGlobals())
    })
  teach(give, [["sluice --data /var/lib/sluice restore /backups/relay-2026-01-31", "on the new machine"]])
}
