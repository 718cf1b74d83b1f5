/** What every form of printing shows in place of a secret. */
export const HIDDEN = "[hidden]"

/**
 * A configured secret that cannot be printed by accident: JSON, `util.inspect`, string conversion and concatenation all
 * give `[hidden]`. The value comes out through {@link Secret.reveal} only, which makes every use of it easy to find.
 *
 * It protects against leaks into logs and error messages, not against code that runs in the same process; the value stays
 * in memory until it is collected.
 */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  /** The secret itself. */
  reveal(): string {
    return this.#value
  }

  toString(): string {
    return HIDDEN
  }

  toJSON(): string {
    return HIDDEN
  }

  [Symbol.toPrimitive](): string {
    return HIDDEN
  }

  static {
    // What `util.inspect` and `console.log` ask for; not spelled as a method because its name is not a well-known symbol.
    Object.defineProperty(Secret.prototype, Symbol.for("nodejs.util.inspect.custom"), { value: () => HIDDEN })
  }
}
