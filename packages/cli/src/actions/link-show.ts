import { linkFacts } from "../link/describe-link.ts"
import { linkArgument } from "../link/link-argument.ts"
import { columns, printData, printJson } from "../output.ts"
import type { GlobalOptions } from "../place.ts"

/** `sluice link show` */
export async function showLink(text: string, options: GlobalOptions & { readonly json?: true }): Promise<void> {
  const facts = linkFacts(await linkArgument(text))
  if (options.json) printJson(Object.fromEntries(facts.map(([, field, value]) => [field, value])))
  else printData(columns(facts.map(([name, , value]) => [name, value])))
}
