/**
 * Headers of every answer. The policy lets a page load its own script and style, and pictures that it makes itself out
 * of opened profiles (`data:`); nothing inline, nothing from elsewhere, no frames around it, and no HTML out of strings.
 */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy": [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; "),
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "x-dns-prefetch-control": "off",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": [
    ...["accelerometer", "camera", "display-capture", "geolocation", "gyroscope", "magnetometer", "microphone"],
    ...["midi", "payment", "usb", "browsing-topics", "interest-cohort"],
  ]
    .map((feature) => `${feature}=()`)
    .join(", "),
}

/** For pages over TLS: browsers come back over TLS only, for half a year. */
export const HSTS = "max-age=15552000"
