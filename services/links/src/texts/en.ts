/** English, from which the other languages are made. Placeholders are in braces. */
export const en = {
  // the kinds of link
  kindInvitation: "One-time invitation",
  kindContact: "Contact address",
  kindGroup: "Group",
  kindChannel: "Channel",
  kindRelay: "Chat relay",

  // what to do with a link
  openInApp: "Open in SimpleX",
  copy: "Copy link",
  copied: "Link copied",
  copyFailed: "Copying did not work. Copy the address of this page instead.",
  qrTitle: "On another device?",
  qrText: "Scan this code with the SimpleX app.",
  qrLabel: "QR code of this link",
  qrTooLong: "This link is too long for a QR code.",
  appTitle: "No app yet?",
  appText: "SimpleX Chat is free. Install it, then open this link again.",
  storeIos: "App Store",
  storeAndroid: "Google Play",
  storeFdroid: "F-Droid",
  storeApk: "Android APK",
  storeDesktop: "Desktop",
  privacyTitle: "What this server knows",
  privacyText:
    "The key is the part of the link behind the #. Browsers never send that part. This page opens profiles here, on your device; the server only passes on data that it cannot read.",
  noScriptTitle: "This page cannot read the link",
  noScriptText:
    "The link's secret never leaves your browser, and without JavaScript this page cannot read it either. Copy the address of this page and paste it into the SimpleX app: it will show you who you are connecting to.",

  // the card of a profile
  profileLabel: "Profile behind this link",
  pictureLabel: "Profile picture of {name}",
  noName: "No name given",
  messageTitle: "Welcome message",
  verified: "Checked: this profile was signed by the owner of this link.",
  businessAccount: "Business",
  indirect: "New members join through the relays of this address.",
  extraUnreadable: "The owner's app stored more here than this page can show.",

  // what the page says instead of a profile: title and text
  loadingTitle: "Looking up this address…",
  loadingText: "The profile is fetched sealed and opened here, on your device.",
  oneTimeTitle: "An invitation for one person",
  oneTimeText:
    "It works once, and whoever looks it up first uses it up. So this page does not look it up: open it in the app to see who invites you.",
  fullLinkTitle: "A link without a profile",
  fullLinkText: "Links of this older kind hold only the keys to connect. The app will show you more after you open it.",
  previewOffTitle: "Open it to see who it is",
  previewOffText: "This server does not show profiles. The app will.",
  noLinkTitle: "The link is incomplete",
  noLinkText: "The part behind the # is missing, and with it the key. Copy the whole link from where you found it.",
  brokenLinkTitle: "This is not a SimpleX link",
  brokenLinkText: "Something in it was changed or cut off, perhaps by the app that you got it with. Ask for it again.",
  notFoundTitle: "There is nothing behind this link",
  notFoundText: "Its owner deleted it, or a character of the link was changed on the way. Ask the owner for a new one.",
  wrongKeyTitle: "The key does not fit",
  wrongKeyText:
    "The relay has data for this link, but the link's key opens none of it. Do not connect; ask for the link again.",
  tamperedTitle: "The data was changed",
  tamperedText:
    "A part of what the relay gave is not what the owner stored. Somebody between you and the owner changed it. Do not connect.",
  otherDataTitle: "The data belongs to another link",
  otherDataText: "It could be opened, but it is not what this link was made for. Somebody replaced it. Do not connect.",
  forgedTitle: "The signature is not the owner's",
  forgedText: "The profile was not signed by the owner of this link. Somebody else wrote it. Do not connect.",
  badOwnersTitle: "The list of owners is not right",
  badOwnersText: "This address names owners whom its first owner did not authorize. Do not connect.",
  malformedTitle: "The data cannot be read",
  malformedText:
    "It opened, but in a form that this page does not know, so it could not be checked. A newer app may know it.",
  otherQueueTitle: "The link leads somewhere else",
  otherQueueText:
    "Its data is genuine, but points to another server or another mailbox than the one it was found in. Do not connect.",
  otherServerTitle: "Another server than the link says",
  otherServerText:
    "The link names a relay with another fingerprint than the one that this server knows by that name. The app will check it.",
  relayDownTitle: "The relay does not answer",
  relayDownText:
    "The relay that has this address cannot be reached now. The link may be fine: try again later, or open it in the app.",
  relayRefusedTitle: "The relay gave no answer that helps",
  relayRefusedText: "It reported a problem of its own. Try again later, or open the link in the app.",
  notAllowedTitle: "Not a relay of this server",
  notAllowedText: "This page shows profiles from its own relays only. The link may be fine: open it in the app.",
  rateLimitedTitle: "Too many look-ups",
  rateLimitedText:
    "Your network asked for many links in a short time. Wait a minute and try again, or open the link in the app.",
  busyTitle: "Much is going on here",
  busyText: "The server has no room for this look-up now. Try again in a moment, or open the link in the app.",
  offlineTitle: "No connection",
  offlineText: "This server could not be reached from your device. Check your connection and try again.",
  tryAgain: "Try again",

  // the page about the server
  serverTitle: "SimpleX server",
  serverIntro: "This server passes messages on without knowing who writes to whom. It has no user accounts.",
  serverAddress: "Address",
  serverAddresses: "Addresses",
  serverAddressText: "Scan it, or paste it in the app's settings under “Network & servers”.",
  serverQrLabel: "QR code of the server's address",
  serverOperator: "Operator",
  serverWebsite: "Website",
  serverCountry: "Server location",
  serverHosting: "Hosting",
  hostingVirtual: "virtual server",
  hostingDedicated: "dedicated server",
  hostingColocation: "own machine in somebody's data centre",
  hostingOwned: "own machine",
  serverConditions: "Conditions of use",
  serverAmendments: "Amendments to the conditions",
  serverAdmin: "Administrator",
  serverComplaints: "Complaints",
  serverSource: "Source code",
  serverNewQueues: "New queues",
  newQueuesEverybody: "for everybody",
  newQueuesPassword: "with the server's password",
  newQueuesNobody: "no longer",
  serverMessageLife: "Undelivered messages are kept",
  serverPersistence: "Kept over a restart",
  persistenceMemory: "nothing",
  persistenceAll: "queues and messages",
  serverSoftware: "Software",
  serverNoInformation: "The operator has given no information about this server.",
  serverPreview: "Contact addresses of these relays can be previewed here, without the server being able to read them.",
  serverHeading: "About this server",

  // around every page
  language: "Language",
  notFoundPageTitle: "There is no such page",
  notFoundPageText: "Links of SimpleX have a # and a long key behind it.",
  aboutServer: "About this server",
  tagline: "Private messages without user IDs",
} as const

/** Every text of the pages. */
export type TextKey = keyof typeof en

/** The texts of one language. */
export type Texts = Readonly<Record<TextKey, string>>
