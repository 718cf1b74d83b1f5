import type { TextKey } from "../texts/en.ts"
import type { IconName } from "./icons.ts"

/** A device as far as it matters for where its app comes from. */
export type Platform = "ios" | "android" | "desktop"

/** Where the app can be had. */
export interface Store {
  readonly platform: Platform
  readonly label: TextKey
  readonly icon: IconName
  readonly url: string
}

/** Every place that the app's publisher names. */
export const STORES: readonly Store[] = [
  {
    platform: "ios",
    label: "storeIos",
    icon: "apple",
    url: "https://apps.apple.com/us/app/simplex-chat/id1605771084",
  },
  {
    platform: "android",
    label: "storeAndroid",
    icon: "android",
    url: "https://play.google.com/store/apps/details?id=chat.simplex.app",
  },
  { platform: "android", label: "storeFdroid", icon: "android", url: "https://simplex.chat/fdroid/" },
  {
    platform: "android",
    label: "storeApk",
    icon: "android",
    url: "https://github.com/simplex-chat/simplex-chat/releases/latest/download/simplex.apk",
  },
  { platform: "desktop", label: "storeDesktop", icon: "desktop", url: "https://simplex.chat/downloads/#desktop" },
]
