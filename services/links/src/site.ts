import type { CryptoBackend } from "@sluice/crypto/backend"
import type { ServerAddress } from "@sluice/encoding/server-address"
import { androidAssociation, appleAssociation, PUBLISHED_ANDROID } from "./association.ts"
import { bundle } from "./bundle.ts"
import type { LinksConfig } from "./config.ts"
import { html } from "./pages/html.ts"
import { SITE_ICON } from "./pages/icons.ts"
import { KINDS } from "./pages/kinds.ts"
import { type AssetPaths, layout } from "./pages/layout.ts"
import { linkPage } from "./pages/link-page.ts"
import { serverPage } from "./pages/server-page.ts"
import type { RelayPolicies } from "./policies.ts"
import { digest, type StaticFile, staticFile } from "./static-files.ts"
import { LANGUAGES, type Language } from "./texts/languages.ts"

/** A page in every language, by tag. */
export type TranslatedPage = ReadonlyMap<string, StaticFile>

/** Everything that is sent as it is: made at the start, kept in memory. */
export interface Site {
  /** Pages for links by path, such as `/a`. */
  readonly linkPages: ReadonlyMap<string, TranslatedPage>
  readonly serverPage: TranslatedPage
  readonly missingPage: TranslatedPage
  /** Script, style and icon; their paths name their content, so browsers may keep them for good. */
  readonly assets: ReadonlyMap<string, StaticFile>
  /** `.well-known` files by path. */
  readonly associations: ReadonlyMap<string, StaticFile>
}

const HTML = "text/html; charset=utf-8"
const JSON_TYPE = "application/json"

/** What the site is about. */
export interface SiteSubject {
  readonly relays: readonly ServerAddress[]
  readonly policies: RelayPolicies | undefined
}

/** Makes all files of the site. */
export async function makeSite(
  config: LinksConfig,
  { relays, policies }: SiteSubject,
  crypto: CryptoBackend,
): Promise<Site> {
  const { script, style } = await bundle()
  const paths: AssetPaths = {
    script: `/assets/${digest(crypto, script)}.js`,
    style: `/assets/${digest(crypto, style)}.css`,
    icon: `/assets/${digest(crypto, new TextEncoder().encode(SITE_ICON.text))}.svg`,
  }
  const assets = new Map([
    [paths.script, await staticFile(crypto, "text/javascript; charset=utf-8", script)],
    [paths.style, await staticFile(crypto, "text/css; charset=utf-8", style)],
    [paths.icon, await staticFile(crypto, "image/svg+xml", SITE_ICON.text)],
  ])
  const translate = async (page: (language: Language) => { readonly text: string }): Promise<TranslatedPage> => {
    const files = LANGUAGES.map(
      async (language) => [language.tag, await staticFile(crypto, HTML, page(language).text)] as const,
    )
    return new Map(await Promise.all(files))
  }
  const preview = config.preview && relays.length > 0
  const linkPages = KINDS.map(async (kind) => {
    const page = await translate((language) => linkPage({ kind, language, assets: paths, preview }))
    return [`/${kind.path}`, page] as const
  })
  return {
    linkPages: new Map(await Promise.all(linkPages)),
    serverPage: await translate((language) =>
      serverPage({ language, assets: paths, relays, information: config.information, preview, policies }),
    ),
    missingPage: await translate((language) => missingPage(language, paths)),
    assets,
    associations: await associations(config, crypto),
  }
}

function missingPage(language: Language, assets: AssetPaths): { readonly text: string } {
  const { texts } = language
  const content = html`<main class="server alone"><section class="card who">
<h1>${texts.notFoundPageTitle}</h1>
<p>${texts.notFoundPageText}</p>
</section></main>`
  return layout({ language, assets, title: texts.notFoundPageTitle, script: false, about: true, content })
}

async function associations(config: LinksConfig, crypto: CryptoBackend): Promise<ReadonlyMap<string, StaticFile>> {
  const { iosApps, androidPackage, androidFingerprints = PUBLISHED_ANDROID } = config
  const files = new Map<string, StaticFile>()
  const add = async (name: string, content: string): Promise<void> => {
    files.set(`/.well-known/${name}`, await staticFile(crypto, JSON_TYPE, content))
  }
  if (iosApps.length > 0) await add("apple-app-site-association", appleAssociation(iosApps))
  if (androidFingerprints.length > 0) {
    await add("assetlinks.json", androidAssociation(androidPackage, androidFingerprints))
  }
  return files
}
