// Which apps may open the links of this host: the files that iOS and Android ask for (relay-operations.md §8).

/** Paths of links that iOS opens in the app; `r` stays with the browser. */
const IOS_PATHS = ["contact", "invitation", "a", "c", "g", "i"]

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
