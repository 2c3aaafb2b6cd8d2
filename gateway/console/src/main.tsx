// Begins: the language, then the session, or the page that a letter leads to.

import { render } from "preact";
import { App } from "./App";
import { follow } from "./route";
import { start } from "./session/session";
import { language, speak, speakMore } from "./text/text";

const root = document.getElementById("console") ?? document.body;
const LETTERS = ["confirm-email", "invitation", "recover-password"] as const;
const letter = LETTERS.find((one) => location.pathname.endsWith(`/${one}`));

async function main(): Promise<void> {
  const spoken = speak(language.value);
  if (letter) {
    const [{ Letter }] = await Promise.all([import("./letters/Letter"), spoken.then(speakMore)]);
    render(<Letter of={letter} />, root);
    return;
  }
  follow();
  await Promise.all([spoken, start()]);
  render(<App />, root);
}

void main();
