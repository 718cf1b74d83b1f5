// Which apps may open the links of this host: the files that iOS and Android ask for (relay-operations.md §8).

/** Paths of links that iOS opens in the app; `r` stays with the browser. */
const IOS_PATHS = ["contact", "invitation", "a", "c", "g", "i"]

/** SHA-256 of the certificates that the published Android app is signed with. */
export const PUBLISHED_ANDROID: readonly string[] = [
  "5E:3E:DC:C2:00:FB:A8:D5:F4:88:F3:CA:4C:32:5B:05:78:C5:6A:9C:03:A1:CC:B5:92:9C:D7:5C:7E:57:E2:4D",
  "3C:52:C4:FD:3C:AD:1C:07:C9:B0:0A:70:80:E3:58:FA:B9:FE:FC:B8:AF:5A:EC:14:77:65:F1:6D:0F:21:AD:85",
]

/** `/.well-known/apple-app-site-association` */
export function appleAssociation(appIds: readonly string[]): string {
  const components = IOS_PATHS.flatMap((path) => [{ "/": `/${path}/*` }, { "/": `/${path}` }])
  return JSON.stringify({ applinks: { details: [{ appIDs: appIds, components }] } })
}

/** `/.well-known/assetlinks.json` */
export function androidAssociation(packageName: string, fingerprints: readonly string[]): string {
  return JSON.stringify([
    {
      relation: ["delegate_permission/common.handle_all_urls"],
      target: {
        namespace: "android_app",
        package_name: packageName,
        sha256_cert_fingerprints: fingerprints,
      },
    },
  ])
}
