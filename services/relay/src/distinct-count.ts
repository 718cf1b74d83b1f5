/** Registers of a sketch: 2^13 give a standard error of 1.15 %. One byte each. */
const INDEX_BITS = 13
const REGISTERS = 1 << INDEX_BITS
const ALPHA = 0.7213 / (1 + 1.079 / REGISTERS)

/**
 * Estimates how many different IDs were added, in 8 KB whatever their number (HyperLogLog, Flajolet et al. 2007). It
 * keeps no ID and can't tell whether one was added: the figure of active queues must not become a list of them.
 *
 * IDs must be uniformly random, as those made by the server are: their own bytes serve as the hash.
 */
export class DistinctCount {
  readonly registers: Uint8Array

  /** From saved registers, or empty. */
  constructor(registers: Uint8Array = new Uint8Array(REGISTERS)) {
    this.registers = registers.length === REGISTERS ? registers : new Uint8Array(REGISTERS)
  }

  /** Adds an ID of at least 6 bytes; shorter ones are not counted. */
  add(id: Uint8Array): void {
    if (id.length < 6) return
    const high = ((id[0] as number) << 8) | (id[1] as number)
    const rest =
      (((id[2] as number) << 24) | ((id[3] as number) << 16) | ((id[4] as number) << 8) | (id[5] as number)) >>> 0
    const index = high & (REGISTERS - 1)
    const rank = Math.clz32(rest) + 1
    if (rank > (this.registers[index] as number)) this.registers[index] = rank
  }

  /** The estimate, a whole number. */
  get value(): number {
    let sum = 0
    let empty = 0
    for (const rank of this.registers) {
      sum += 2 ** -rank
      if (rank === 0) empty++
    }
    const estimate = (ALPHA * REGISTERS * REGISTERS) / sum
    const small = estimate <= 2.5 * REGISTERS && empty > 0
    return Math.round(small ? REGISTERS * Math.log(REGISTERS / empty) : estimate)
  }

  clear(): void {
    this.registers.fill(0)
  }
}

/** The registers of a sketch that counts what any of these has counted. */
export function union(registers: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(REGISTERS)
  for (const some of registers) {
    for (let i = 0; i < REGISTERS; i++) all[i] = Math.max(all[i] as number, some[i] ?? 0)
  }
  return all
}
