import { createHash } from "node:crypto"
import { createReadStream } from "node:fs"

/** SHA-256 of a file of any size, 32 bytes; reads it in pieces. Rejects with what the file system says. */
export async function sha256OfFile(path: string): Promise<Uint8Array> {
  const hash = createHash("sha256")
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Uint8Array)
  return new Uint8Array(hash.digest())
}
