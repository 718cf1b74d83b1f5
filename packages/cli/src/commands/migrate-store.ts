import { type Command, Option } from "commander"
import { teach } from "../teach.ts"

/** `sluice migrate-store` */
export function addMigrateStore(program: Command): void {
  const command = program
    .command("migrate-store")
    .summary("move the relay's store from the embedded one to Redis, or back")
    .description(
      "Copies queues, messages, notifications, services and blobs of a stopped relay into a store that is empty, compares\n" +
        "both, and leaves the source as it is. Interrupted or killed, it goes on when it is run again. store.path and [redis]\n" +
        "of the configuration name the two; set store.kind when it is done.",
    )
    .addOption(new Option("--to <kind>", "where to").choices(["redis", "lmdb"]).makeOptionMandatory())
    .option("--json", "print what was moved as JSON")
    .action(async (_options: unknown, self: Command) => {
      const { migrateRelayStore } = await import("../actions/migrate-store.ts")
      await migrateRelayStore(self.optsWithGlobals())
    })
  teach(command, [
    ["sluice migrate-store --to redis", "from ./data/store into the Redis of the configuration"],
    ["sluice migrate-store --to lmdb", "back again"],
  ])
}
