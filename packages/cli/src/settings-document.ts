import { renderSettingsTable } from "@sluice/ops/config-render"
import { settings } from "./place.ts"

const INTRODUCTION = `# Settings

<!-- Made by \`npm run -s sluice -- config reference > docs/settings.md\`; a test compares it with the program. -->

Every setting has one name in the configuration file, \`sluice.toml\` in the data folder, and one in the environment, which wins.
\`sluice config example\` prints the file with all of them explained, \`sluice config show\` those in force, \`sluice config check\`
says whether they are right. A wrong value stops the start with one line that names it and what is allowed.

Durations are \`250ms\`, \`1.5s\`, \`10m\`, \`2h\`, \`21d\`, or seconds. Sizes are \`64KiB\`, \`1.5GB\`, or bytes. Lists are arrays in the file
and separated by commas in the environment. Secrets can be in files of their own: \`SLUICE_RELAY_PASSWORD_FILE\`.

Two variables are not settings: \`SLUICE_DATA\`, the folder of everything that is written (option \`--data\`, default \`./data\`), and
\`SLUICE_CONFIG\`, the configuration file (option \`--config\`, default \`sluice.toml\` in the data folder).

`

/** The page \`docs/settings.md\`, made from the description of the settings. */
export function settingsDocument(): string {
  return INTRODUCTION + renderSettingsTable(settings)
}
