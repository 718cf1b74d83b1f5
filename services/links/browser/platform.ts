/** The kind of device that a browser says it is on. */
export function platformOf(agent: string, touchPoints: number): "ios" | "android" | "desktop" {
  if (/iphone|ipad|ipod/i.test(agent)) return "ios"
  // Tablets of Apple say that they are computers, which have no touch screens.
  if (/macintosh/i.test(agent) && touchPoints > 1) return "ios"
  return /android/i.test(agent) ? "android" : "desktop"
}
