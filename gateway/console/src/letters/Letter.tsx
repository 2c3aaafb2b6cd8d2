// The pages that links in letters lead to, with the token behind the `#`, which is sent to
// no server but as the body of the call that uses it.

import { Bar } from "../parts/Bar";
import { Trouble } from "../parts/Trouble";
import { failure } from "./ask";
import { ConfirmEmail } from "./ConfirmEmail";
import { Invitation } from "./Invitation";
import { RecoverPassword } from "./RecoverPassword";

export type LetterKind = "confirm-email" | "invitation" | "recover-password";

export function Letter({ of }: { of: LetterKind }) {
  return (
    <>
      <Bar />
      <main class="narrow card">
        {of === "invitation" ? <Invitation /> : of === "recover-password" ? <RecoverPassword /> : <ConfirmEmail />}
        {failure.value && <Trouble failure={failure.value} />}
      </main>
    </>
  );
}
