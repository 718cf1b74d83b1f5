import type { Command } from "commander"
import { teach } from "../teach.ts"

/** `sluice notifications test-push` */
export function addTestPush(notifications: Command, exit: (code: number) => void): void {
  const command = notifications
    .command("test-push")
    .summary("try the credentials of a push service")
    .description(
      "Sends one push that wakes the app up and tells what the service says to it. Without a token, a made-up one is used\n" +
        "(APNs, FCM): a service that refuses only that has taken the credentials. Exit code 0 if they are taken, and the\n" +
        "token, if there is one.",
    )
    .argument("<service>", "apns_prod, apns_dev, fcm_prod or webpush_prod, as it is configured")
    .argument("[token]", "device token as the app shows it")
    .option("--json", "print JSON: service, result, outcome, and the service's status and reason")
    .action(async (service: string, token: string | undefined, _options: unknown, self: Command) => {
      const { testPush } = await import("../actions/test-push.ts")
      exit(await testPush(service, token, self.optsWithGlobals()))
    })
  teach(command, [
    ["sluice notifications test-push apns_prod", "whether Apple takes key, team and topic"],
    ["sluice notifications test-push fcm_prod dGhlIHRva2Vu:APA91b", "a push to one phone"],
  ])
}
