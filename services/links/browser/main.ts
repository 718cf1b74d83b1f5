// The script of the pages for links. It is the only part of this service that ever sees a link.
import { portableCrypto } from "@sluice/crypto/portable"
import { linkOfPage, type OpenedPage } from "./link-of-page.ts"
import { part, show } from "./page.ts"
import { platformOf } from "./platform.ts"
import { preview } from "./preview.ts"
import { drawQr } from "./qr.ts"
import { showProfile } from "./show-profile.ts"

/** Milliseconds for an answer, beyond the time that the resolver gives its relays. */
const PATIENCE = 30_000

const ask = (path: string): Promise<Response> =>
  fetch(path, { cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(PATIENCE) })

/** The title without a name in it. */
const { title } = document

let opened: OpenedPage | undefined
/** Counts look-ups, so that the answer to an older one is not shown. */
let turn = 0

async function lookUp(): Promise<void> {
  const mine = ++turn
  const page = linkOfPage(location)
  opened = typeof page === "string" ? undefined : page
  part("said").textContent = ""
  document.title = title
  if (typeof page === "string") {
    finish(page === "missing" ? "noLink" : "brokenLink")
    return
  }
  offer(page)
  const { link } = page
  if (link.form === "full") return finish(link.request.kind === "invitation" ? "oneTime" : "fullLink")
  if (link.link.kind === "invitation") return finish("oneTime")
  if (part("link").dataset["preview"] !== "on") return finish("previewOff")
  finish("loading")
  const result = await preview(portableCrypto, link.link, ask)
  if (mine !== turn) return
  if (result.found) showProfile(result.link)
  else finish(result.state)
}

/** Shows a state. Where the link is of no use, nothing is offered to be done with it. */
function finish(state: string): void {
  const usable = show(state)
  part("actions").hidden = !usable
  part("more").hidden = !usable
}

/** Everything that can be done with a link without asking anyone. */
function offer({ text, appText }: OpenedPage): void {
  part<HTMLAnchorElement>("open").href = appText
  const fits = drawQr(part("qr"), text)
  part("scan").hidden = false
  part("qr").hidden = !fits
  part("scan-text").hidden = !fits
  part("scan-too-long").hidden = fits
}

async function copy(): Promise<void> {
  const { copied = "", copyFailed = "" } = part("link").dataset
  const said = part("said")
  try {
    await navigator.clipboard.writeText(opened?.text ?? location.href)
    said.textContent = copied
  } catch {
    // Refused by the browser or by its user; the text says what to do instead.
    said.textContent = copyFailed
  }
}

/** The app for this device first; the others stay for whoever reads this on another one. */
function suitDevice(): void {
  const stores = part("stores")
  const platform = platformOf(navigator.userAgent, navigator.maxTouchPoints)
  const own = [...stores.querySelectorAll<HTMLElement>(`[data-platform="${platform}"]`)]
  stores.prepend(...own)
  for (const store of own) store.classList.add("own")
  // Whoever reads this on a phone needs the app first, and another device last.
  const scan = part("scan")
  if (platform !== "desktop") scan.parentElement?.append(scan)
}

suitDevice()
part("copy").addEventListener("click", () => void copy())
for (const button of document.querySelectorAll("[data-retry]")) button.addEventListener("click", () => void lookUp())
addEventListener("hashchange", () => void lookUp())
void lookUp()
