import type { JsonObject } from "@sluice/encoding/json"
import { optionalText, present, textField } from "./fields.ts"

/** How somebody wants to be seen by those who are connected. */
export interface ChatProfile {
  /** Never empty. */
  readonly displayName: string
  readonly fullName?: string | undefined
  /** One line about them. */
  readonly description?: string | undefined
  /** Picture as a `data:` URI. Unchecked. */
  readonly image?: string | undefined
}

/** The JSON form; apps want `fullName` to be there. */
export function profileToJson({ displayName, fullName = "", description, image }: ChatProfile): JsonObject {
  return { displayName, fullName, ...present("shortDescr", description), ...present("image", image) }
}

/** Reads a profile; fields that are not known here are left out. Throws `ChatMessageError`. */
export function profileFromJson(json: JsonObject): ChatProfile {
  return {
    displayName: textField(json, "displayName"),
    ...present("fullName", nonEmpty(optionalText(json, "fullName"))),
    ...present("description", nonEmpty(optionalText(json, "shortDescr"))),
    ...present("image", nonEmpty(optionalText(json, "image"))),
  }
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text
}
