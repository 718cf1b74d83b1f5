import { readFile } from "node:fs/promises"
import { OperatorError, quoteValue } from "@sluice/ops/operator-error"
import type { LinkProfile } from "@sluice/short-links/profile"

/** Options that say what a link shows. `false` takes out what was there. */
export interface ProfileOptions {
  readonly name?: string
  readonly image?: string | false
  readonly message?: string | false
}

/** Largest picture that fits with a short text; its base64 takes a third more. */
const LARGEST_PICTURE = 9900

/** What pictures begin with. */
const PICTURES: readonly (readonly [type: string, start: string, at: number])[] = [
  ["jpg", "\u00ff\u00d8\u00ff", 0],
  ["png", "\u0089PNG\r\n\u001a\n", 0],
  ["gif", "GIF8", 0],
  ["webp", "WEBP", 8],
]

/** The profile that the options make of an old one; what they do not name stays. Throws `OperatorError`. */
export async function profileOf(options: ProfileOptions, old?: LinkProfile): Promise<LinkProfile> {
  const { name = old?.displayName, message, image } = options
  if (name === undefined || name.trim() === "") throw new OperatorError("--name is missing; allowed: any text")
  return {
    ...old,
    displayName: name,
    message: message === undefined ? old?.message : message || undefined,
    image: image === undefined ? old?.image : image === false ? undefined : await pictureUri(image),
  }
}

async function pictureUri(path: string): Promise<string> {
  const bytes = await readPicture(path)
  const text = bytes.toString("latin1", 0, 16)
  const [type] = PICTURES.find(([, start, at]) => text.startsWith(start, at)) ?? []
  if (type === undefined) {
    throw new OperatorError(`--image: ${quoteValue(path)} is not allowed; allowed: a JPEG, PNG, WebP or GIF file`)
  }
  if (bytes.length > LARGEST_PICTURE) {
    const allowed = `up to ${LARGEST_PICTURE} bytes, as it has to fit into the link's data`
    throw new OperatorError(
      `--image: ${quoteValue(path)} with ${bytes.length} bytes is not allowed; allowed: ${allowed}`,
    )
  }
  return `data:image/${type};base64,${bytes.toString("base64")}`
}

async function readPicture(path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "failed"
    throw new OperatorError(`--image: ${quoteValue(path)} cannot be read (${code})`)
  }
}
