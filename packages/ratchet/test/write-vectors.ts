/** Writes `test/vectors/ratchet.json` anew: `node packages/ratchet/test/write-vectors.ts`. Only after a wanted change. */
import { writeFileSync } from "node:fs"
import { ownVectors, SEEDED } from "./own-vectors.ts"

const [first] = SEEDED
if (first === undefined) throw new Error("no back end")
const path = new URL("../../../test/vectors/ratchet.json", import.meta.url)
writeFileSync(path, `${JSON.stringify(ownVectors(first.make()), null, 2)}\n`)
