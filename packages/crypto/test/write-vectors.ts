/** Writes `test/vectors/crypto.json` anew: `node packages/crypto/test/write-vectors.ts`. Only after a wanted change. */
import { mkdirSync, writeFileSync } from "node:fs"
import { ownVectors, SEEDED } from "./own-vectors.ts"

const [first] = SEEDED
if (first === undefined) throw new Error("no back end")
const folder = new URL("../../../test/vectors/", import.meta.url)
mkdirSync(folder, { recursive: true })
writeFileSync(new URL("crypto.json", folder), `${JSON.stringify(ownVectors(first.make()), null, 2)}\n`)
