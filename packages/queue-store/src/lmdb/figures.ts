/** Plain numbers about commits, for a metrics layer to read. They only grow. */
export interface StoreFigures {
  /** Groups that were committed. */
  readonly commits: number
  /** Operations in them. */
  readonly operations: number
  /** Seconds from starting a group until it was committed, in all. */
  readonly commitSeconds: number
  /** Groups by size: at index i those of 2^i to 2^(i+1)-1 operations. */
  readonly groupSizes: readonly number[]
  /** Groups that failed or were taken back; their operations were tried again or rejected. */
  readonly failures: number
  /** Operations that were rejected. */
  readonly rejections: number
}

/** The same numbers where they are counted. */
export class CountedFigures implements StoreFigures {
  commits = 0
  operations = 0
  commitSeconds = 0
  readonly groupSizes: number[] = new Array<number>(16).fill(0)
  failures = 0
  rejections = 0

  committed(operations: number, seconds: number): void {
    this.commits++
    this.operations += operations
    this.commitSeconds += seconds
    const size = Math.min(this.groupSizes.length - 1, 31 - Math.clz32(operations))
    this.groupSizes[size] = (this.groupSizes[size] as number) + 1
  }
}
