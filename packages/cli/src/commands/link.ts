import type { Command } from "commander"
import { secondsOption } from "../arguments.ts"
import { teach } from "../teach.ts"

/** `sluice link …` */
export function addLink(program: Command): void {
  const link = program
    .command("link")
    .summary("create, explain and resolve short links")
    .description(
      "A short link leads to a queue. Its data, such as a name and a picture, lies on the relay, encrypted with a key that is\n" +
        "only in the link. Whoever creates a link keeps a file of secrets, with which it can be changed.",
    )
  addCreate(link)
  addShow(link)
  addResolve(link)
  addUpdate(link)
  addDelete(link)
}

function addCreate(link: Command): void {
  const command = link
    .command("create")
    .summary("create a link")
    .description("Creates a queue with a link and prints the link. The owner's secrets go into the file (mode 0600).")
    .argument("[address]", "the relay (default: the one in the data folder)")
    .option("--contact", "a contact address: everybody with the link may read it and ask to be connected")
    .option("--invitation", "a one-time invitation: the first who reads it has it")
    .requiredOption("-f, --file <file>", "new file for the owner's secrets")
    .requiredOption("--name <text>", "name to show")
    .option("--image <file>", "picture to show: JPEG, PNG, WebP or GIF, up to 9900 bytes")
    .option("--message <text>", "welcome message to show")
    .option("--blob", "use the network's first design, where the relay offers it; see docs/blob-links.md")
  withCommon(command).action(async (address: string | undefined, _options: unknown, self: Command) => {
    const { createLink } = await import("../actions/link-create.ts")
    await createLink(address, self.optsWithGlobals())
  })
  teach(command, [
    ['sluice link create --contact -f me.json --name "Ann"', "an address on your relay"],
    ["sluice link create smp://… --invitation -f one.json --name Ann", "for one person, on another relay"],
  ])
}

function addShow(link: Command): void {
  const command = link
    .command("show")
    .summary("explain a link, without asking anybody")
    .description("Prints what a short or full link says: server, link ID, other forms. Nothing is sent anywhere.")
    .argument("<link>", "the link, or a file that holds it")
    .option("--json", "print JSON")
    .action(async (text: string, _options: unknown, self: Command) => {
      const { showLink } = await import("../actions/link-show.ts")
      await showLink(text, self.optsWithGlobals())
    })
  teach(command, [["sluice link show 'https://smp.example.org/a#…'", "what it leads to"]])
}

function addResolve(link: Command): void {
  const command = link
    .command("resolve")
    .summary("get and verify what is behind a link")
    .description(
      "Asks the link's relay for its data, by the link ID alone, and verifies all of it. Reading a one-time invitation locks\n" +
        "it to the key in the state file, so that has to be asked for.",
    )
    .argument("<link>", "the link, or a file that holds it")
    .option("--proxy <address>", "ask through this proxy, which hides you from the relay")
    .option("--server <address>", "the server's full address, for links that leave it out")
    .option("--one-time", "read a one-time invitation, though that locks it")
    .option("-s, --state <file>", "file for the key that locks it; made on first use")
  withCommon(command).action(async (text: string, _options: unknown, self: Command) => {
    const { resolve } = await import("../actions/link-resolve.ts")
    await resolve(text, self.optsWithGlobals())
  })
  teach(command, [
    ["sluice link resolve 'https://smp.example.org/a#…' --proxy smp://…", "who is behind it"],
    ["sluice link resolve one.link --one-time --state mine.json --json", "an invitation, which is yours then"],
  ])
}

function addUpdate(link: Command): void {
  const command = link
    .command("update")
    .summary("change what a link shows")
    .description("Changes name, picture or message; what is not named stays. The link stays the same.")
    .argument("<file>", "the owner's secrets, from `sluice link create`")
    .option("--name <text>", "new name")
    .option("--image <file>", "new picture")
    .option("--no-image", "no picture any more")
    .option("--message <text>", "new welcome message")
    .option("--no-message", "no message any more")
  withCommon(command).action(async (file: string, _options: unknown, self: Command) => {
    const { updateLink } = await import("../actions/link-update.ts")
    await updateLink(file, self.optsWithGlobals())
  })
  teach(command, [['sluice link update me.json --message "On holiday" --no-image', "and the link shows that"]])
}

function addDelete(link: Command): void {
  const command = link
    .command("delete")
    .summary("delete a link with its queue")
    .description("Deletes the queue with its link from the relay, then the file with its secrets.")
    .argument("<file>", "the owner's secrets")
    .option("--keep-queue", "only take away the link; leave the queue and the file")
    .option("--timeout <seconds>", "for connecting, and for each answer", secondsOption, 15_000)
    .action(async (file: string, _options: unknown, self: Command) => {
      const { deleteLink } = await import("../actions/link-delete.ts")
      await deleteLink(file, self.optsWithGlobals())
    })
  teach(command, [["sluice link delete me.json", "for good"]])
}

function withCommon(command: Command): Command {
  return command
    .option("--json", "print JSON")
    .option("--timeout <seconds>", "for connecting, and for each answer", secondsOption, 15_000)
}
