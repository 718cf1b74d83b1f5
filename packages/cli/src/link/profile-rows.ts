import { decompress } from "@sluice/chat/compression"
import { LinkError } from "@sluice/short-links/errors"
import { decodeProfile, type LinkProfile, pictureOf } from "@sluice/short-links/profile"
import { visibleLine, visibleText } from "@sluice/short-links/visible-text"

const LONGEST_NAME = 200
const LONGEST_MESSAGE = 4000

/** The profile in the data of a link. Links need not have one, and not every app's can be read. */
export function readProfile(appData: Uint8Array): LinkProfile | undefined {
  try {
    return decodeProfile(appData, decompress)
  } catch (error) {
    if (error instanceof LinkError) return undefined
    throw error
  }
}

/** What a profile shows, without what could disturb the terminal. */
export function profileRows(profile: LinkProfile | undefined): [string, string][] {
  const picture = profile && pictureOf(profile)
  return [
    ["name", profile === undefined ? "none that can be read" : visibleLine(profile.displayName, LONGEST_NAME)],
    ...shownIf("about", profile?.description && visibleLine(profile.description, LONGEST_NAME)),
    ...shownIf("message", profile?.message && visibleText(profile.message, LONGEST_MESSAGE)),
    ["picture", picture === undefined ? "none" : `${picture.mediaType}, ${pictureSize(picture.base64)} bytes`],
  ]
}

/** A row, unless there is nothing in it. */
export function shownIf(name: string, value: string | undefined): [string, string][] {
  return value ? [[name, value]] : []
}

function pictureSize(base64: string): number {
  return Buffer.byteLength(base64, "base64")
}
