import { type Kind, parsedKind } from "@sluice/ops/kind"
import { duration, flag, integer, path, text, url } from "@sluice/ops/kinds"
import { Secret } from "@sluice/ops/secret"
import { type Group, group, optional, type Setting, setting } from "@sluice/ops/settings"
import { APNS_ORIGIN } from "./apns-provider.ts"
import { FCM_ORIGIN } from "./fcm-provider.ts"

/** `[push.apns]`. Durations are milliseconds, paths are relative to the folder that `openProviders` is given. */
export interface ApnsConfig {
  readonly keyPath: string | undefined
  readonly key: Secret | undefined
  readonly keyId: string | undefined
  readonly teamId: string
  readonly topic: string
  readonly paddedLength: number
  readonly productionUrl: string
  readonly sandboxUrl: string
  readonly testUrl: string | undefined
  readonly ca: string | undefined
  readonly requestTimeout: number
}

/** `[push.fcm]` */
export interface FcmConfig {
  readonly serviceAccountPath: string | undefined
  readonly serviceAccount: Secret | undefined
  readonly url: string
  readonly testUrl: string | undefined
  readonly ca: string | undefined
  readonly requestTimeout: number
}

/** `[push.web]` */
export interface WebPushConfig {
  readonly keyPath: string | undefined
  readonly key: Secret | undefined
  readonly subject: string | undefined
  readonly allowPrivate: boolean
  readonly test: boolean
  readonly maxPerHost: number
  readonly maxConnections: number
  readonly ca: string | undefined
  readonly requestTimeout: number
}

/** The checked settings. */
export interface PushConfig {
  readonly apns: ApnsConfig
  readonly fcm: FcmConfig
  readonly web: WebPushConfig
}

type EntriesOf<C> = { readonly [N in keyof C]: Setting<C[N]> }
type GroupsOf<C> = { readonly [N in keyof C]: Group<EntriesOf<C[N]>> }

/** Texts of keys and accounts are longer than that only by mistake. */
const LONGEST_KEY = 16_384
const IDENTIFIER = { pattern: /^[A-Z0-9]{10}$/, allowed: "10 letters and digits" } as const
const CA_HELP = "File of certificates that sign those of the service, for test servers; unset trusts public ones."

const requestTimeout = (): Setting<number> =>
  setting(duration({ min: "10ms", max: "5m" }), { default: "25s", help: "Time for the service's answer." })

const apns: Group<EntriesOf<ApnsConfig>> = group("Apple's push service. Without a key, iOS devices cannot register.", {
  keyPath: optional(path(), {
    help: "File of the signing key (.p8), relative to the data folder; nobody else may read it (mode 600).",
    example: "AuthKey.p8",
  }),
  key: optional(keyText("a P-256 key as PKCS#8 PEM"), { help: "The key itself, in place of key_path." }),
  keyId: optional(text(IDENTIFIER), { help: "ID of that key.", example: "ABC123DEFG" }),
  teamId: setting(text(IDENTIFIER), { default: "5NN7GUYB6T", help: "Team that the key and the app belong to." }),
  topic: setting(text({ pattern: /^[\w.-]+$/, allowed: "the bundle ID of an app" }), {
    default: "chat.simplex.app",
    help: "Bundle ID of the app that gets the pushes.",
  }),
  paddedLength: setting(integer({ min: 1024, max: 3072 }), {
    default: 3072,
    help: "Bytes that contents are padded to; 3072 is the reference's, from 2911 on the body is over the 4096 bytes that Apple documents.",
  }),
  productionUrl: setting(url(["https"]), { default: APNS_ORIGIN.production, help: "Service for apns_prod." }),
  sandboxUrl: setting(url(["https"]), { default: APNS_ORIGIN.sandbox, help: "Service for apns_dev." }),
  testUrl: optional(url(["https"]), { help: "Server that stands in for the service, for apns_test." }),
  ca: optional(path(), { help: CA_HELP }),
  requestTimeout: requestTimeout(),
})

const fcm: Group<EntriesOf<FcmConfig>> = group(
  "Google's push service, an extension of this project. Without an account it is off.",
  {
    serviceAccountPath: optional(path(), {
      help: "JSON file of the service account that may send messages, relative to the data folder; mode 600.",
      example: "fcm-account.json",
    }),
    serviceAccount: optional(keyText("the JSON of a Google service account"), {
      help: "The account itself, in place of service_account_path.",
    }),
    url: setting(url(["https"]), { default: FCM_ORIGIN, help: "Service for fcm_prod." }),
    testUrl: optional(url(["https"]), { help: "Server that stands in for the service, for fcm_test." }),
    ca: optional(path(), { help: CA_HELP }),
    requestTimeout: requestTimeout(),
  },
)

const web: Group<EntriesOf<WebPushConfig>> = group(
  "Web Push and UnifiedPush, an extension of this project. Without a key it is off.",
  {
    keyPath: optional(path(), {
      help: "File of this server's VAPID key (P-256, PKCS#8 PEM), relative to the data folder; mode 600.",
      example: "vapid.pem",
    }),
    key: optional(keyText("a P-256 key as PKCS#8 PEM"), { help: "The key itself, in place of key_path." }),
    subject: optional(text({ pattern: /^(mailto:\S+@\S+|https:\/\/\S+)$/, allowed: "a mailto: or https: URL" }), {
      help: "Where push services reach the operator.",
      example: "mailto:operator@example.org",
    }),
    allowPrivate: setting(flag(), {
      default: false,
      help: "Whether push services at addresses of this machine and of private networks are connected to. Devices name them.",
    }),
    test: setting(flag(), { default: false, help: "Whether webpush_test is served, at private addresses; for tests." }),
    maxPerHost: setting(integer({ min: 1, max: 1_000 }), { default: 64, help: "Connections to one push service." }),
    maxConnections: setting(integer({ min: 1, max: 65_535 }), { default: 512, help: "Connections in all." }),
    ca: optional(path(), { help: CA_HELP }),
    requestTimeout: requestTimeout(),
  },
)

/** `[push.apns]`, `[push.fcm]`, `[push.web]`: credentials and addresses of push services. */
export const pushSettings: Group<GroupsOf<PushConfig>> = group(
  "Services through which devices are woken up. Those without credentials are off.",
  {
    apns,
    fcm,
    web,
  },
)

/** A secret of several lines. In a variable, `\n` may stand for a line break. */
function keyText(allowed: string): Kind<Secret> {
  const kind = parsedKind<Secret>(
    allowed,
    (raw, refuse) => {
      const value = raw instanceof Secret ? raw.reveal() : raw
      if (typeof value !== "string" || value.trim() === "" || value.length > LONGEST_KEY) return refuse()
      return new Secret(value.startsWith("-----") ? value.replaceAll("\\n", "\n") : value)
    },
    (value) => value.toString(),
  )
  return { ...kind, secret: true }
}
