import { type FileHandle, open } from "node:fs/promises"
import { SECRET_FILE_MODE } from "@sluice/ops/atomic-file"

/** Characters that are collected before they are written. */
const CHUNK = 2 ** 20

/** Writes a file of lines, one byte a character, in large pieces. */
export class LineWriter implements AsyncDisposable {
  readonly #file: FileHandle
  #waiting: string[] = []
  #length = 0
  #count = 0

  private constructor(file: FileHandle) {
    this.#file = file
  }

  /** A new file that only its owner can read: all of these files hold secrets. */
  static async create(path: string): Promise<LineWriter> {
    return new LineWriter(await open(path, "wx", SECRET_FILE_MODE))
  }

  /** Appends a line and returns its number, counted from 1. */
  async write(line: string): Promise<number> {
    this.#waiting.push(line, "\n")
    this.#length += line.length + 1
    this.#count++
    if (this.#length >= CHUNK) await this.#flush()
    return this.#count
  }

  /** Writes what is collected and makes the file durable. */
  async finish(): Promise<void> {
    await this.#flush()
    await this.#file.sync()
  }

  async #flush(): Promise<void> {
    const piece = Buffer.from(this.#waiting.join(""), "latin1")
    this.#waiting = []
    this.#length = 0
    await this.#file.writeFile(piece)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close()
  }
}
