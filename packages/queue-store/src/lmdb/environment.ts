import { LmdbTables } from "./lmdb-tables.ts"
import { openRoot, type RootSettings } from "./open-root.ts"
import { writeSnapshot } from "./snapshot.ts"

/** The open files of a store and its tables, which stay the same object while the files are closed and opened again. */
export class Environment {
  readonly folder: string
  readonly tables: LmdbTables
  readonly #settings: RootSettings

  private constructor(folder: string, settings: RootSettings, tables: LmdbTables) {
    this.folder = folder
    this.tables = tables
    this.#settings = settings
  }

  /** Opens the store of an existing folder, or makes it. Throws what LMDB or the file system say. */
  static async open(folder: string, settings: RootSettings): Promise<Environment> {
    return new Environment(folder, settings, new LmdbTables(await openRoot(folder, settings)))
  }

  /** Whether LMDB still works. After a failed write of its meta page it refuses everything until it is opened anew. */
  answers(): boolean {
    try {
      this.tables.root.resetReadTxn()
      this.tables.root.doesExist(Uint8Array.of(0))
      return true
    } catch {
      return false // whatever it says, it does not answer
    }
  }

  /** Closes the files and opens them again: some milliseconds. */
  async reopen(): Promise<void> {
    await this.tables.root.close()
    this.tables.attach(await openRoot(this.folder, this.#settings))
  }

  snapshot(folder: string): Promise<void> {
    return writeSnapshot(this.tables.root, folder)
  }

  close(): Promise<void> {
    return this.tables.root.close()
  }
}
