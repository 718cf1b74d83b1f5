/**
 * Prints the vectors of links to blobs: `node packages/short-links/test/make-blob-vectors.ts > test/vectors/blob-links.json`,
 * then format the file. Only after a wanted change.
 */
import { blobVectors } from "./blob-vectors.ts"

process.stdout.write(`${JSON.stringify(blobVectors(), null, 2)}\n`)
