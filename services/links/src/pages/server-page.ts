import { formatServerAddress, type ServerAddress } from "@sluice/encoding/server-address"
import type { Information } from "../information.ts"
import type { TextKey, Texts } from "../texts/en.ts"
import type { Language } from "../texts/languages.ts"
import { type Html, html, type Part } from "./html.ts"
import { icon } from "./icons.ts"
import { type AssetPaths, layout } from "./layout.ts"
import { qrSvg } from "./qr.ts"

/** What the page about the server depends on. */
export interface ServerPageOptions {
  readonly language: Language
  readonly assets: AssetPaths
  readonly relays: readonly ServerAddress[]
  readonly information: Information
  readonly preview: boolean
}

/** The page about the server: its addresses, and what its operator tells (relay-operations.md §8). */
export function serverPage({ language, assets, relays, information, preview }: ServerPageOptions): Html {
  const { texts } = language
  return layout({
    language,
    assets,
    title: texts.serverTitle,
    script: false,
    about: false,
    content: html`<main class="server">
<section class="card who">
<p class="kind">${icon("relay")}<span>${relays[0]?.hosts[0] ?? "SimpleX"}</span></p>
<h1>${texts.serverTitle}</h1>
<p>${texts.serverIntro}</p>
${preview && relays.length > 0 ? html`<p>${texts.serverPreview}</p>` : undefined}
<h2>${texts.serverHeading}</h2>
${facts(texts, information)}
</section>
${relays.length === 0 ? undefined : addresses(texts, relays)}
</main>`,
  })
}

function addresses(texts: Texts, relays: readonly ServerAddress[]): Html {
  return html`<aside class="card more">
<h2>${relays.length === 1 ? texts.serverAddress : texts.serverAddresses}</h2>
<p>${texts.serverAddressText}</p>
${relays.map((relay) => {
  const address = formatServerAddress(relay)
  return html`<div class="qr" role="img" aria-label="${texts.serverQrLabel}">${qrSvg(address)}</div>
<p class="address"><code>${address}</code></p>`
})}
</aside>`
}

const HOSTING = {
  virtual: "hostingVirtual",
  dedicated: "hostingDedicated",
  colocation: "hostingColocation",
  owned: "hostingOwned",
} as const satisfies Record<string, TextKey>

function facts(texts: Texts, of: Information): Html {
  const kind = of.hostingType && texts[HOSTING[of.hostingType]]
  const rows: readonly (readonly [TextKey, Part])[] = [
    ["serverOperator", joined(of.operator, of.operatorCountry)],
    ["serverWebsite", linked(of.website)],
    ["serverCountry", of.serverCountry],
    ["serverHosting", joined(of.hosting, of.hostingCountry, kind)],
    ["serverConditions", linked(of.usageConditions)],
    ["serverAmendments", linked(of.conditionAmendments)],
    ["serverAdmin", contacts(of.adminSimplex, of.adminEmail)],
    ["serverComplaints", contacts(of.complaintsSimplex, of.complaintsEmail)],
    ["serverSource", linked(of.sourceCode)],
  ]
  const known = rows.filter(([, value]) => value !== undefined)
  if (known.length === 0) return html`<p>${texts.serverNoInformation}</p>`
  return html`<dl>${known.map(([key, value]) => html`<div><dt>${texts[key]}</dt><dd>${value}</dd></div>`)}</dl>`
}

function joined(...parts: readonly (string | undefined)[]): string | undefined {
  return parts.filter((part) => part !== undefined).join(", ") || undefined
}

/** Settings allow nothing but http and https here. */
function linked(url: string | undefined): Html | undefined {
  if (url === undefined) return undefined
  const { host, pathname } = new URL(url)
  return html`<a href="${url}" rel="noreferrer">${pathname === "/" ? host : host + pathname}</a>`
}

function contacts(simplex: string | undefined, email: string | undefined): Html | undefined {
  if (simplex === undefined && email === undefined) return undefined
  const links = [
    ...(simplex === undefined ? [] : [html`<a href="${simplex}" rel="noreferrer">SimpleX</a>`]),
    ...(email === undefined ? [] : [html`<a href="mailto:${email}">${email}</a>`]),
  ]
  return html`${links.map((link, index) => html`${index > 0 ? ", " : ""}${link}`)}`
}
