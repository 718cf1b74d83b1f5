import { integer, path, text } from "@sluice/ops/kinds"
import { group, optional, setting } from "@sluice/ops/settings"

const IDENTIFIER = { pattern: /^[A-Z0-9]{10}$/, allowed: "10 letters and digits" } as const

/** `[apns]`: Apple's push service, for tokens `apns_prod` and `apns_dev`. */
export const apnsGroup = group("Apple's push service. Without a key, iOS devices cannot register here.", {
  keyPath: optional(path(), { help: "File of the signing key (.p8, PKCS#8), relative to the data folder." }),
  keyId: optional(text(IDENTIFIER), { help: "Id of that key." }),
  teamId: setting(text(IDENTIFIER), { default: "5NN7GUYB6T", help: "Team that the key and the app belong to." }),
  topic: setting(text({ pattern: /^[\w.-]+$/, allowed: "the bundle id of an app" }), {
    default: "chat.simplex.app",
    help: "Bundle id of the app that gets the pushes.",
  }),
  paddedLength: setting(integer({ min: 1024, max: 3072 }), {
    default: 3072,
    help: "Bytes that contents are padded to; the reference's value is 3072.",
  }),
})

/** `[fcm]`: Google's push service, for tokens `fcm_prod`. */
export const fcmGroup = group("Google's push service, an extension of this project. Without an account it is off.", {
  serviceAccountPath: optional(path(), {
    help: "JSON file of the service account that may send messages, relative to the data folder.",
  }),
})
