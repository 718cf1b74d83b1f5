import type { Command } from "commander"
import { secondsOption, wholeNumber } from "../arguments.ts"
import { teach } from "../teach.ts"

/** `sluice chat` */
export function addChat(program: Command): void {
  const command = program
    .command("chat")
    .summary("talk to somebody, on the terminal or from scripts")
    .description(
      "Uses somebody's link, or makes one, and exchanges end-to-end encrypted messages in the form of the network's apps, so\n" +
        "that one of those can be the other side. Without a link it goes on with the last contact; with none, it makes a\n" +
        "link for one person. Keys, contacts and messages under way are kept in the folder, encrypted but for the names.",
    )
    .argument("[link]", "somebody's link, or a file that holds it")
    .option("--name <text>", "who you are to others", "sluice user")
    .option("--invite", "make a new link for one person")
    .option("--address", "print the link that everybody can use; who uses it is accepted")
    .option("--to <name>", "go on with this contact")
    .option("--relay <address...>", "relays for your queues (default: the one in the data folder)")
    .option("--folder <folder>", "where everything is kept (default: chat in the data folder)")
    .option("--passphrase-file <file>", "encrypts the folder (default: a random one, kept in it)")
    .option("--privacy <level>", "standard, fast, high or maximum", "standard")
    .option("--script", "lines in, JSON lines out; also when standard input or output is no terminal")
    .option("--count <number>", "script: messages to wait for", wholeNumber(0, 1_000_000), 0)
    .option("--no-receipts", "script: do not wait for the other side to have your messages, only for the relay")
    .option("--timeout <seconds>", "script: give up after this time", secondsOption)
    .action(async (link: string | undefined, _options: unknown, self: Command) => {
      const { chat } = await import("../actions/chat.ts")
      await chat(link, self.optsWithGlobals())
    })
  teach(command, [
    ["sluice chat --name Ann", "a link for one person, and then the conversation"],
    ["sluice chat 'https://smp.example.org/i#…' --name Bob", "the other side"],
    ["echo 'backup done' | sluice chat --script --to Ann", "a message from a script, once Ann is a contact"],
    ["sluice chat --address --script --count 1 </dev/null", "wait for somebody's message, as JSON"],
  ])
}
