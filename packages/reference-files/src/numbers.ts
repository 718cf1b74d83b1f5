type NumberArray = Float64Array | Uint32Array | Uint8Array

/**
 * A list of numbers that grows, in one typed array: 1, 4 or 8 bytes an element and nothing for the garbage collector to
 * walk through, however many millions there are.
 */
export class Numbers {
  #values: NumberArray
  #length = 0

  constructor(type: Float64ArrayConstructor | Uint32ArrayConstructor | Uint8ArrayConstructor) {
    this.#values = new type(1024)
  }

  get length(): number {
    return this.#length
  }

  /** Appends and returns the place. */
  push(value: number): number {
    if (this.#length === this.#values.length) this.#grow()
    this.#values[this.#length] = value
    return this.#length++
  }

  /** The value at a place below `length`. */
  at(place: number): number {
    return this.#values[place] ?? 0
  }

  set(place: number, value: number): void {
    this.#values[place] = value
  }

  #grow(): void {
    const type = this.#values.constructor as new (length: number) => NumberArray
    const grown = new type(this.#values.length * 2)
    grown.set(this.#values)
    this.#values = grown
  }
}
