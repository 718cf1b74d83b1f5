import type { Command } from "commander"
import { teach } from "../teach.ts"
import { addTestPush } from "./test-push.ts"

/** `sluice notifications` with what belongs to it. */
export function addNotifications(program: Command, exit: (code: number) => void): void {
  const command = program
    .command("notifications")
    .summary("run the push-notification server")
    .description(
      "Runs the server that wakes phones up: it subscribes to the notifications of queues at their relays and pushes through\n" +
        "APNs, FCM or Web Push, encrypted for the device. Settings are in [notifications] and [push.apns], [push.fcm],\n" +
        "[push.web]; `sluice notifications init` makes its certificates first.",
    )
    .action(async (_options: unknown, self: Command) => {
      const { notifications } = await import("../actions/serve.ts")
      exit(await notifications(self.optsWithGlobals()))
    })
  teach(command, [
    ["sluice notifications init --host ntf.example.org", "make its certificates, print its address"],
    ["sluice notifications --data /var/lib/sluice", "in a systemd unit or a container"],
  ])
  const init = command
    .command("init")
    .summary("make its certificates, print its address")
    .description(
      "Makes an offline CA and an online certificate for the push-notification server and prints the server's address.\n" +
        "Refuses when they are there: they are its address.",
    )
    .option("--host <names>", "names under which devices reach it, separated by commas (default: notifications.host)")
    .option("--ed448", "certificates with Ed448 keys in place of Ed25519")
    .option("--json", "print JSON: address, fingerprint, folder")
    .action(async (_options: unknown, self: Command) => {
      const { initNotifications } = await import("../actions/notifications.ts")
      await initNotifications(self.optsWithGlobals())
    })
  teach(init, [["sluice notifications init", "one for this machine, in ./data"]])
  const address = command
    .command("address")
    .summary("print its address")
    .description("Prints the address of the push-notification server in the data folder, alone on one line.")
    .action(async (_options: unknown, self: Command) => {
      const { notificationsAddress } = await import("../actions/notifications.ts")
      await notificationsAddress(self.optsWithGlobals())
    })
  teach(address, [["sluice notifications address", "what goes into the settings of an app"]])
  addTestPush(command, exit)
}
