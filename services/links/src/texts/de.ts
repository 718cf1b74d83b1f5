import type { Texts } from "./en.ts"

/** German. */
export const de: Texts = {
  kindInvitation: "Einmal-Einladung",
  kindContact: "Kontaktadresse",
  kindGroup: "Gruppe",
  kindChannel: "Kanal",
  kindRelay: "Chat-Relais",

  openInApp: "In SimpleX öffnen",
  copy: "Link kopieren",
  copied: "Link kopiert",
  copyFailed: "Kopieren ging nicht. Kopiere stattdessen die Adresse dieser Seite.",
  qrTitle: "Auf einem anderen Gerät?",
  qrText: "Scanne diesen Code mit der SimpleX-App.",
  qrLabel: "QR-Code dieses Links",
  qrTooLong: "Dieser Link ist zu lang für einen QR-Code.",
  appTitle: "Noch keine App?",
  appText: "SimpleX Chat ist kostenlos. Installiere die App und öffne dann diesen Link noch einmal.",
  storeIos: "App Store",
  storeAndroid: "Google Play",
  storeFdroid: "F-Droid",
  storeApk: "Android-APK",
  storeDesktop: "Desktop",
  privacyTitle: "Was dieser Server weiß",
  privacyText:
    "Der Schlüssel ist der Teil des Links hinter dem #. Browser senden diesen Teil nie. Diese Seite öffnet Profile hier, auf deinem Gerät; der Server reicht nur Daten weiter, die er nicht lesen kann.",
  noScriptTitle: "Diese Seite kann den Link nicht lesen",
  noScriptText:
    "Das Geheimnis des Links verlässt deinen Browser nie, und ohne JavaScript kann auch diese Seite es nicht lesen. Kopiere die Adresse dieser Seite und füge sie in der SimpleX-App ein: Sie zeigt dir, mit wem du dich verbindest.",

  profileLabel: "Profil hinter diesem Link",
  pictureLabel: "Profilbild von {name}",
  noName: "Kein Name angegeben",
  messageTitle: "Willkommensnachricht",
  verified: "Geprüft: Dieses Profil hat der Eigentümer des Links unterschrieben.",
  businessAccount: "Geschäftlich",
  indirect: "Neue Mitglieder kommen über die Relais dieser Adresse dazu.",
  extraUnreadable: "Die App des Eigentümers hat hier mehr gespeichert, als diese Seite zeigen kann.",

  loadingTitle: "Diese Adresse wird nachgeschlagen …",
  loadingText: "Das Profil kommt versiegelt an und wird hier geöffnet, auf deinem Gerät.",
  oneTimeTitle: "Eine Einladung für eine Person",
  oneTimeText:
    "Sie gilt einmal, und wer sie zuerst nachschlägt, verbraucht sie. Darum schlägt diese Seite sie nicht nach: Öffne sie in der App, um zu sehen, wer dich einlädt.",
  fullLinkTitle: "Ein Link ohne Profil",
  fullLinkText:
    "Links dieser älteren Art enthalten nur die Schlüssel zum Verbinden. Die App zeigt dir nach dem Öffnen mehr.",
  previewOffTitle: "Öffne den Link, um zu sehen, wer es ist",
  previewOffText: "Dieser Server zeigt keine Profile. Die App schon.",
  noLinkTitle: "Der Link ist unvollständig",
  noLinkText:
    "Der Teil hinter dem # fehlt, und damit der Schlüssel. Kopiere den ganzen Link von dort, wo du ihn gefunden hast.",
  brokenLinkTitle: "Das ist kein SimpleX-Link",
  brokenLinkText:
    "Etwas darin wurde verändert oder abgeschnitten, vielleicht von der App, mit der du ihn bekommen hast. Lass ihn dir noch einmal geben.",
  notFoundTitle: "Hinter diesem Link ist nichts",
  notFoundText:
    "Der Eigentümer hat ihn gelöscht, oder ein Zeichen des Links wurde unterwegs verändert. Frage nach einem neuen.",
  wrongKeyTitle: "Der Schlüssel passt nicht",
  wrongKeyText:
    "Das Relais hat Daten zu diesem Link, aber der Schlüssel des Links öffnet sie nicht. Verbinde dich nicht; lass dir den Link noch einmal geben.",
  tamperedTitle: "Die Daten wurden verändert",
  tamperedText:
    "Ein Teil dessen, was das Relais gab, ist nicht das, was der Eigentümer gespeichert hat. Jemand zwischen dir und ihm hat es verändert. Verbinde dich nicht.",
  otherDataTitle: "Die Daten gehören zu einem anderen Link",
  otherDataText:
    "Sie ließen sich öffnen, sind aber nicht die, für die dieser Link gemacht wurde. Jemand hat sie ersetzt. Verbinde dich nicht.",
  forgedTitle: "Die Unterschrift ist nicht die des Eigentümers",
  forgedText:
    "Das Profil hat nicht der Eigentümer dieses Links unterschrieben, sondern jemand anderes. Verbinde dich nicht.",
  badOwnersTitle: "Die Liste der Eigentümer stimmt nicht",
  badOwnersText: "Diese Adresse nennt Eigentümer, die ihr erster Eigentümer nicht zugelassen hat. Verbinde dich nicht.",
  malformedTitle: "Die Daten sind nicht lesbar",
  malformedText:
    "Sie ließen sich öffnen, aber in einer Form, die diese Seite nicht kennt und darum nicht prüfen kann. Eine neuere App kennt sie vielleicht.",
  otherQueueTitle: "Der Link führt woandershin",
  otherQueueText:
    "Seine Daten sind echt, verweisen aber auf einen anderen Server oder ein anderes Postfach als das, in dem sie lagen. Verbinde dich nicht.",
  otherServerTitle: "Ein anderer Server, als der Link sagt",
  otherServerText:
    "Der Link nennt ein Relais mit einem anderen Fingerabdruck als dem, den dieser Server unter diesem Namen kennt. Die App prüft das.",
  relayDownTitle: "Das Relais antwortet nicht",
  relayDownText:
    "Das Relais mit dieser Adresse ist gerade nicht erreichbar. Der Link kann in Ordnung sein: Versuche es später, oder öffne ihn in der App.",
  relayRefusedTitle: "Das Relais gab keine brauchbare Antwort",
  relayRefusedText: "Es meldete ein eigenes Problem. Versuche es später, oder öffne den Link in der App.",
  notAllowedTitle: "Kein Relais dieses Servers",
  notAllowedText:
    "Diese Seite zeigt nur Profile von eigenen Relais. Der Link kann in Ordnung sein: Öffne ihn in der App.",
  rateLimitedTitle: "Zu viele Abfragen",
  rateLimitedText:
    "Aus deinem Netz kamen in kurzer Zeit viele Abfragen. Warte eine Minute und versuche es noch einmal, oder öffne den Link in der App.",
  busyTitle: "Hier ist gerade viel los",
  busyText:
    "Der Server hat im Moment keinen Platz für diese Abfrage. Versuche es gleich noch einmal, oder öffne den Link in der App.",
  offlineTitle: "Keine Verbindung",
  offlineText:
    "Dieser Server war von deinem Gerät aus nicht erreichbar. Prüfe deine Verbindung und versuche es noch einmal.",
  tryAgain: "Noch einmal versuchen",

  serverTitle: "SimpleX-Server",
  serverIntro:
    "Dieser Server reicht Nachrichten weiter, ohne zu wissen, wer wem schreibt. Er hat keine Benutzerkonten.",
  serverAddress: "Adresse",
  serverAddresses: "Adressen",
  serverAddressText: "Scanne sie, oder füge sie in den Einstellungen der App unter „Netzwerk & Server“ ein.",
  serverQrLabel: "QR-Code der Adresse des Servers",
  serverOperator: "Betreiber",
  serverWebsite: "Website",
  serverCountry: "Standort des Servers",
  serverHosting: "Hosting",
  hostingVirtual: "virtueller Server",
  hostingDedicated: "dedizierter Server",
  hostingColocation: "eigener Rechner in fremdem Rechenzentrum",
  hostingOwned: "eigener Rechner",
  serverConditions: "Nutzungsbedingungen",
  serverAmendments: "Ergänzungen der Bedingungen",
  serverAdmin: "Verwaltung",
  serverComplaints: "Beschwerden",
  serverSource: "Quelltext",
  serverNewQueues: "Neue Warteschlangen",
  newQueuesEverybody: "für alle",
  newQueuesPassword: "mit dem Passwort des Servers",
  newQueuesNobody: "nicht mehr",
  serverMessageLife: "Nicht zugestellte Nachrichten bleiben",
  serverPersistence: "Übersteht einen Neustart",
  persistenceMemory: "nichts",
  persistenceAll: "Warteschlangen und Nachrichten",
  serverSoftware: "Software",
  serverNoInformation: "Der Betreiber hat zu diesem Server nichts angegeben.",
  serverPreview: "Kontaktadressen dieser Relais lassen sich hier ansehen, ohne dass der Server sie lesen kann.",
  serverHeading: "Über diesen Server",

  language: "Sprache",
  notFoundPageTitle: "Diese Seite gibt es nicht",
  notFoundPageText: "SimpleX-Links haben ein # und dahinter einen langen Schlüssel.",
  aboutServer: "Über diesen Server",
  tagline: "Private Nachrichten ohne Benutzerkennungen",
}
