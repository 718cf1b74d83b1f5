/** Milliseconds that a test waits for what must come. Only a failing test waits so long. */
const PATIENCE = 10_000

/** What arrives one after the other, for a reader who takes it later, or waits for it within a time limit. */
export class Arrivals<T> {
  readonly #waiting: T[] = []
  #end: string | undefined
  #wake: (() => void) | undefined

  add(item: T): void {
    this.#waiting.push(item)
    this.#wake?.()
  }

  /** Nothing more will come, for this reason. */
  end(reason: string): void {
    this.#end ??= reason
    this.#wake?.()
  }

  /** The first item that was not taken yet. */
  async next(): Promise<T> {
    await this.#until(() => this.#waiting.length > 0 || this.#end !== undefined)
    const item = this.#waiting.shift()
    if (item === undefined) throw new Error(this.#end)
    return item
  }

  /** Why nothing more comes, once it is so; what came and was not taken must be nothing. */
  async ended(): Promise<string> {
    await this.#until(() => this.#waiting.length > 0 || this.#end !== undefined)
    if (this.#end === undefined || this.#waiting.length > 0) throw new Error("something came instead of the end")
    return this.#end
  }

  async #until(holds: () => boolean): Promise<void> {
    if (holds()) return
    if (this.#wake !== undefined) throw new Error("two readers wait for the same arrivals")
    // Made here, so that its stack names the line of the test that waits in vain.
    const late = new Error(`nothing came within ${PATIENCE / 1000} s`)
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(late), PATIENCE)
      this.#wake = () => {
        if (!holds()) return
        clearTimeout(timer)
        resolve()
      }
    }).finally(() => {
      this.#wake = undefined
    })
  }
}
