import { formatServerAddress, type ServerAddress } from "@sluice/encoding/server-address"
import type { Information } from "../information.ts"
import type { RelayPolicies } from "../policies.ts"
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
  readonly policies: RelayPolicies | undefined
}

/** The page about the server: its addresses, and what its operator tells (relay-operations.md §8). */
export function serverPage(options: ServerPageOptions): Html {
  const { language, assets, relays, information, preview, policies } = options
  const { texts } = language
  return layout({
    language,
    assets,
    title: texts.serverTitle,
    script: false,
    about: false,
    content: html`<main class="server${relays.length === 0 ? " alone" : ""}">
<section class="card who">
<p class="kind">${icon("relay")}<span>${relays[0]?.hosts[0] ?? "SimpleX"}</span></p>
<h1>${texts.serverTitle}</h1>
<p>${texts.serverIntro}</p>
${preview && relays.length > 0 ? html`<p>${texts.serverPreview}</p>` : undefined}
<h2>${texts.serverHeading}</h2>
${facts(texts, [...ofOperator(texts, information), ...ofRelay(language, policies)])}
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

const PERSISTENCE = {
  memory: "persistenceMemory",
  "queues-and-messages": "persistenceAll",
} as const satisfies Record<string, TextKey>

const NEW_QUEUES = {
  everybody: "newQueuesEverybody",
  password: "newQueuesPassword",
  nobody: "newQueuesNobody",
} as const satisfies Record<string, TextKey>

const DAY = 86_400_000

type Facts = readonly (readonly [TextKey, Part])[]

function facts(texts: Texts, rows: Facts): Html {
  const known = rows.filter(([, value]) => value !== undefined)
  if (known.length === 0) return html`<p>${texts.serverNoInformation}</p>`
  return html`<dl>${known.map(([key, value]) => html`<div><dt>${texts[key]}</dt><dd>${value}</dd></div>`)}</dl>`
}

function ofOperator(texts: Texts, of: Information): Facts {
  const kind = of.hostingType && texts[HOSTING[of.hostingType]]
  const admin = { simplex: of.adminSimplex, email: of.adminEmail, pgp: of.adminPgp, print: of.adminPgpFingerprint }
  return [
    ["serverOperator", joined(of.operator, of.operatorCountry)],
    ["serverWebsite", linked(of.website)],
    ["serverCountry", of.serverCountry],
    ["serverHosting", joined(of.hosting, of.hostingCountry, kind)],
    ["serverConditions", linked(of.usageConditions)],
    ["serverAmendments", linked(of.conditionAmendments)],
    ["serverAdmin", contacts(admin)],
    [
      "serverComplaints",
      contacts({
        ...{ simplex: of.complaintsSimplex, email: of.complaintsEmail },
        ...{ pgp: of.complaintsPgp, print: of.complaintsPgpFingerprint },
      }),
    ],
    ["serverSource", linked(of.sourceCode)],
  ]
}

function ofRelay({ texts, tag }: Language, policies: RelayPolicies | undefined): Facts {
  if (policies === undefined) return []
  const days = Math.max(1, Math.round(policies.messageLife / DAY))
  const life = new Intl.NumberFormat(tag, { style: "unit", unit: "day", unitDisplay: "long" }).format(days)
  return [
    ["serverNewQueues", texts[NEW_QUEUES[policies.newQueues]]],
    ["serverMessageLife", life],
    ["serverPersistence", texts[PERSISTENCE[policies.persistence]]],
    ["serverSoftware", policies.software],
  ]
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

interface Contacts {
  readonly simplex: string | undefined
  readonly email: string | undefined
  readonly pgp: string | undefined
  readonly print: string | undefined
}

function contacts({ simplex, email, pgp, print }: Contacts): Html | undefined {
  const links = [
    simplex === undefined ? undefined : html`<a href="${simplex}" rel="noreferrer">SimpleX</a>`,
    email === undefined ? undefined : html`<a href="mailto:${email}">${email}</a>`,
    pgp === undefined || print === undefined ? undefined : html`<a href="${pgp}" rel="noreferrer">PGP</a> ${print}`,
  ].filter((link) => link !== undefined)
  return links.length === 0 ? undefined : html`${links.map((link, index) => html`${index > 0 ? ", " : ""}${link}`)}`
}
