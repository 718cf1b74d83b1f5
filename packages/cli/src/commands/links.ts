import type { Command } from "commander"
import { teach } from "../teach.ts"

/** `sluice links` */
export function addLinks(program: Command, exit: (code: number) => void): void {
  const command = program
    .command("links")
    .summary("run the pages for links alone")
    .description(
      'Serves the pages that browsers show for SimpleX links: code, "open in app", and who is behind a contact address,\n' +
        "which is opened in the browser; this program never has the keys. Settings are in [links]; links.relays names the\n" +
        "relays that addresses are fetched from. `sluice up --links` serves them beside a relay.",
    )
    .action(async (_options: unknown, self: Command) => {
      const { links } = await import("../actions/serve.ts")
      exit(await links(self.optsWithGlobals()))
    })
  teach(command, [
    ['SLUICE_LINKS_RELAYS="$(sluice address --no-password)" sluice links', "for the relay of the data folder"],
  ])
}
