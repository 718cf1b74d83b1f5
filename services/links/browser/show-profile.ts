import { LinkError } from "@sluice/short-links/errors"
import type { ResolvedLink } from "@sluice/short-links/open-link"
import { decodeProfile, type LinkProfile, pictureOf } from "@sluice/short-links/profile"
import { visibleLine, visibleText } from "@sluice/short-links/visible-text"
import { decompress } from "./decompress.ts"
import { fillIn, part, show } from "./page.ts"

/** Characters of a line, and of a message, that are shown. */
const LINE = 120
const MESSAGE = 4_000

/** Fills the card with what the owner of a link wrote. All of it goes in as text, the picture as `data:` of a known type. */
export function showProfile({ user }: ResolvedLink): void {
  const profile = readProfile(user.appData)
  const { noName = "", pictureLabel = "" } = part("link").dataset
  const name = visibleLine(profile?.displayName ?? "", LINE) || noName
  const fullName = visibleLine(profile?.fullName ?? "", LINE)
  fillIn("name", name)
  fillIn("full-name", fullName === name ? undefined : fullName)
  fillIn("about", visibleLine(profile?.description ?? "", 2 * LINE))
  fillIn("message", visibleText(profile?.message ?? "", MESSAGE), "message-text")
  part("business").hidden = profile?.business !== true
  part("indirect").hidden = user.kind !== "contact" || user.direct
  part("unreadable").hidden = profile !== undefined || user.appData.length === 0
  showPicture(profile, name, pictureLabel.replace("{name}", name))
  document.title = `${name} · SimpleX`
  show("profile")
}

function showPicture(profile: LinkProfile | undefined, name: string, label: string): void {
  const image = part<HTMLImageElement>("picture")
  const initials = part("initials")
  const picture = profile && pictureOf(profile)
  const useInitials = (): void => {
    image.hidden = true
    initials.hidden = false
  }
  initials.textContent = [...name][0]?.toLocaleUpperCase() ?? ""
  image.alt = label
  // A picture that cannot be decoded is as good as none.
  image.onerror = useInitials
  if (picture === undefined) {
    useInitials()
    return
  }
  image.src = `data:${picture.mediaType};base64,${picture.base64}`
  image.hidden = false
  initials.hidden = true
}

function readProfile(appData: Uint8Array): LinkProfile | undefined {
  try {
    return decodeProfile(appData, decompress)
  } catch (error) {
    if (error instanceof LinkError) return undefined
    throw error
  }
}
