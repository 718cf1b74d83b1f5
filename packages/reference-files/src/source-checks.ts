import { readdir, readFile } from "node:fs/promises"
import { OperatorError } from "@sluice/ops/operator-error"
import { journalFolder, settingsFile } from "./reference-names.ts"

/**
 * Refuses what import cannot read, before anything is read: the reference can keep queues and messages in a database, and
 * messages in journal files. It can itself turn both into the files that are read here.
 */

/** Throws `OperatorError` when the data folder has messages in the journal form. */
export async function refuseJournal(dataFolder: string): Promise<void> {
  const folder = journalFolder(dataFolder)
  const entries = await readdir(folder).catch(() => [])
  if (entries.length === 0) return
  throw new OperatorError(
    `${folder} holds messages in the journal form, which cannot be imported: run "smp-server journal export" first, or name the files one by one to import without these messages`,
  )
}

/** Throws `OperatorError` when the settings say that queues or messages are in a database or in journal files. */
export async function refuseOtherStores(configFolder: string): Promise<void> {
  const path = settingsFile(configFolder)
  const settings = storeSettings(await readFile(path, "utf8").catch(() => ""))
  for (const key of ["store_queues", "store_messages"]) {
    const form = settings.get(key)
    if (form !== "database" && form !== "journal") continue
    throw new OperatorError(
      `${path} has ${key} = ${form}, which cannot be imported: run "smp-server ${form} export" first, and name the files that it wrote one by one`,
    )
  }
}

/** Keys and values of the section `[STORE_LOG]`. */
function storeSettings(text: string): Map<string, string> {
  const settings = new Map<string, string>()
  let section = ""
  for (const line of text.split("\n")) {
    const header = /^\s*\[(.*)\]\s*$/.exec(line)
    if (header !== null) section = header[1] ?? ""
    const [, key, value] = /^\s*([a-z_]+)\s*[=:]\s*(.*?)\s*$/.exec(line) ?? []
    if (section === "STORE_LOG" && key !== undefined && value !== undefined) settings.set(key, value)
  }
  return settings
}
