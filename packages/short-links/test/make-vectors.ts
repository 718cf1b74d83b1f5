/**
 * Prints the project's own vectors: `node packages/short-links/test/make-vectors.ts > test/vectors/short-links.json`, then
 * format the file. Only after a wanted change.
 */
import { ownVectors } from "./own-vectors.ts"

process.stdout.write(`${JSON.stringify(ownVectors(), null, 2)}\n`)
