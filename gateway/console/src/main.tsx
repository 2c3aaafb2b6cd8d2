// Begins: the language, then the session, or the page that a letter leads to.

import { render } from "preact";
import { App } from "./App";
import { style } from "./parts/lazy";
import { follow } from "./route";
import { start } from "./session/session";
import { language, speak, speakMore } from "./text/text";

const root = document.getElementById("console") ?? document.body;
const LETTERS = ["confirm-email", "invitation", "recover-password"] as const;
const letter = LETTERS.find((one) => location.pathname.endsWith(`/${one}`));

async function main(): Promise<void> {
  const spoken = speak(language.value);
  if (letter) {
    const [{ Letter }] = await Promise.all([import("./letters/Letter"), spoken.then(() => speakMore(["letters", "more", "session"])), style("forms")]);
    render(<Letter of={letter} />, root);
    return;
  }
  follow();
  await Promise.all([spoken, start()]);
  render(<App />, root);
}

main().catch(() => {
  // The page of before, or one whose scripts are gone already: its new one names others.
  const [loaded] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
  if (loaded?.type === "reload") root.textContent = "Frontdesk could not be loaded. Load the page again. · Frontdesk konnte nicht geladen werden. Laden Sie die Seite neu.";
  else location.reload();
});
