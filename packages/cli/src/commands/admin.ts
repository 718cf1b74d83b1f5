import { type Command, Option } from "commander"
import { wholeNumber } from "../arguments.ts"
import { teach } from "../teach.ts"

const QUEUE = "ID of its sender or of its link, its address, or a link"

/** `sluice admin …` */
export function addAdmin(program: Command): void {
  const admin = program
    .command("admin")
    .summary("look after a running relay")
    .description(
      "Asks the running relay of the data folder, or that of --url, over its admin port. Needs admin.token, the same here and\n" +
        "there. The relay logs what is done, without naming queues.",
    )
  addLooking(admin)
  addBlocking(admin)
  addDelete(admin)
  addOperating(admin)
}

/** A command below `sluice admin`, with the options of all of them. */
function subcommand(admin: Command, name: string, summary: string, description: string): Command {
  return admin
    .command(name)
    .summary(summary)
    .description(description)
    .option("--url <url>", "admin server of the relay, such as http://10.0.0.1:9223")
    .option("--json", "print JSON")
}

function addLooking(admin: Command): void {
  const stats = subcommand(
    admin,
    "stats",
    "what the relay counted, this day and since its start",
    "Prints what is stored and every figure that is not 0; --json prints all of them. Days are UTC.",
  ).action(async (_options: unknown, self: Command) => {
    const { adminStatistics } = await import("../actions/admin.ts")
    await adminStatistics(self.optsWithGlobals())
  })
  teach(stats, [["sluice admin stats --json | jq .today.relay.msgSent", "messages sent this day"]])
  const sessions = subcommand(
    admin,
    "sessions",
    "how many connections and subscriptions there are",
    "Prints numbers by kind: services, proxies, subscribers to notifications, to messages, and others. No addresses.",
  ).action(async (_options: unknown, self: Command) => {
    const { adminSessions } = await import("../actions/admin.ts")
    await adminSessions(self.optsWithGlobals())
  })
  teach(sessions, [["watch sluice admin sessions", "who is there, in numbers"]])
  const queue = subcommand(
    admin,
    "queue",
    "what the relay knows of a queue",
    "Prints status, mode, last use and sizes of a queue. Nothing of it tells who uses it.",
  )
    .argument("<queue>", QUEUE)
    .action(async (name: string, _options: unknown, self: Command) => {
      const { adminQueue } = await import("../actions/admin.ts")
      await adminQueue(name, self.optsWithGlobals())
    })
  teach(queue, [["sluice admin queue 'https://smp.example.com/a#…'", "behind a contact address that was reported"]])
}

function addBlocking(admin: Command): void {
  const block = subcommand(
    admin,
    "block",
    "block a queue",
    "Senders and recipient are refused from now on, and told why. Done again, it changes the reason. The number of queues per\n" +
      "day is limited by moderation.daily_blocks.",
  )
    .argument("<queue>", QUEUE)
    .addOption(
      new Option("--reason <reason>", "what clients are told").choices(["spam", "content"]).makeOptionMandatory(),
    )
    .option("--notice [seconds]", "let clients show a notice, for ever or for a time", wholeNumber(1, 2 ** 40))
    .action(async (name: string, _options: unknown, self: Command) => {
      const { adminBlock } = await import("../actions/admin.ts")
      await adminBlock(name, self.optsWithGlobals())
    })
  teach(block, [["sluice admin block 'https://smp.example.com/a#…' --reason spam", "an address that sends spam"]])
  const unblock = subcommand(
    admin,
    "unblock",
    "take a block back",
    "The queue works again; if its recipient had suspended it, it is suspended again.",
  )
    .argument("<queue>", QUEUE)
    .action(async (name: string, _options: unknown, self: Command) => {
      const { adminUnblock } = await import("../actions/admin.ts")
      await adminUnblock(name, self.optsWithGlobals())
    })
  teach(unblock, [["sluice admin unblock 'https://smp.example.com/a#…'", "it was a mistake"]])
}

function addDelete(admin: Command): void {
  const command = subcommand(
    admin,
    "delete",
    "delete a queue and what is in it",
    "Deletes the queue with its messages, notifier and link. Its subscribers are told.",
  )
    .argument("<queue>", QUEUE)
    .option("--yes", "mean it")
    .action(async (name: string, _options: unknown, self: Command) => {
      const { adminDelete } = await import("../actions/admin.ts")
      await adminDelete(name, self.optsWithGlobals())
    })
  teach(command, [["sluice admin delete 'https://smp.example.com/a#…' --yes", "for good"]])
}

function addOperating(admin: Command): void {
  const snapshot = subcommand(
    admin,
    "snapshot",
    "copy the store while it serves",
    "Writes a consistent copy of the embedded store to a new folder below store.backup_path and prints its path. To restore,\n" +
      "put it in the place of the store's folder while the relay is stopped.",
  )
    .argument("[name]", "name of the folder (default: the time)")
    .action(async (name: string | undefined, _options: unknown, self: Command) => {
      const { adminSnapshot } = await import("../actions/admin.ts")
      await adminSnapshot(name, self.optsWithGlobals())
    })
  teach(snapshot, [
    ["sluice admin snapshot", "a copy named after the time"],
    ["sluice admin snapshot before-upgrade", "a copy with a name"],
  ])
  const reload = subcommand(
    admin,
    "reload",
    "take over new certificates",
    "Reads the certificates again; new connections get them, present ones go on.",
  ).action(async (_options: unknown, self: Command) => {
    const { adminReload } = await import("../actions/admin.ts")
    await adminReload(self.optsWithGlobals())
  })
  teach(reload, [["sluice cert rotate && sluice admin reload", "a new certificate without a restart"]])
  const drain = subcommand(
    admin,
    "drain",
    "end all sessions and accept no more",
    "Readiness goes red, sessions finish what they began and are closed. The process goes on, for metrics, until it is stopped.",
  ).action(async (_options: unknown, self: Command) => {
    const { adminDrain } = await import("../actions/admin.ts")
    await adminDrain(self.optsWithGlobals())
  })
  teach(drain, [["sluice admin drain", "before this relay is taken away"]])
  const restart = subcommand(
    admin,
    "restart",
    "restart all relay processes, one after the other",
    "For `sluice up` with --workers or --cluster: while one process is restarted, the others serve. A client comes back at the\n" +
      "most once for each of them.",
  ).action(async (_options: unknown, self: Command) => {
    const { adminRestart } = await import("../actions/admin.ts")
    await adminRestart(self.optsWithGlobals())
  })
  teach(restart, [["sluice admin restart", "after an update of the program's files"]])
}
