import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { migrate, type Schema, SchemaError, stepsFrom } from "./schema.ts"

/** A schema whose steps from `first` on note what they did. */
function noting(version: number, first = 2): Schema<number[]> {
  const steps = Array.from({ length: Math.max(0, version - first + 1) }, (_, i) => ({
    to: first + i,
    what: `step ${first + i}`,
    run: (done: number[]) => void done.push(first + i),
  }))
  return { name: "the store", version, steps }
}

describe("schema versions", () => {
  it("lead from any known version to the present one, one step after the other", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 12 }), (version, found) => {
        fc.pre(found <= version)
        const steps = stepsFrom(noting(version), found).map(({ to }) => to)
        expect(steps).toEqual(Array.from({ length: version - found }, (_, i) => found + 1 + i))
      }),
    )
  })

  it("of the future are refused in one line that names both", () => {
    expect(() => stepsFrom(noting(2), 5)).toThrow(
      "the store has schema version 5, this program knows 2: run the newer program that wrote it",
    )
  })

  it("before the first step are refused, too", () => {
    expect(() => stepsFrom(noting(6, 4), 2)).toThrow(SchemaError)
    expect(() => stepsFrom(noting(6, 4), 2)).toThrow(/version 2, this program knows 6/)
  })

  it("are recorded after each step, so that an interrupted run goes on where it was", async () => {
    const schema = noting(5)
    const done: number[] = []
    let stored = 1
    const interrupted = migrate(schema, stored, done, ({ to }) => {
      if (to === 4) throw new Error("killed")
      stored = to
    })
    await expect(interrupted).rejects.toThrow("killed")
    expect(stored).toBe(3)
    const commit = ({ to }: { readonly to: number }): void => {
      stored = to
    }
    expect(await migrate(schema, stored, done, commit)).toBe(2)
    expect(done).toEqual([2, 3, 4, 4, 5])
    expect(stored).toBe(5)
    expect(await migrate(schema, stored, done, commit)).toBe(0)
  })
})
