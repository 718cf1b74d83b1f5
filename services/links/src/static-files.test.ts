import { expect, it } from "vitest"
import { encodingFor } from "./static-files.ts"

it.each([
  ["gzip, deflate, br, zstd", "br"],
  ["gzip;q=1.0, identity; q=0.5", "gzip"],
  ["br;q=0, gzip", "gzip"],
  ["BR", "br"],
  ["identity", "identity"],
  ["", "identity"],
  [undefined, "identity"],
])("the encoding for %s is %s", (accept, encoding) => {
  expect(encodingFor(accept)).toBe(encoding)
})
