// Lets go of the API key by which guests are read, for another one or for none.

import { apiKey } from "../request/guests";
import { t } from "../text/text";
import { all } from "./list";

function forget(): void {
  apiKey.value = "";
  all.forget();
}

export function ForgetKey() {
  return (
    <button type="button" class="quiet" onClick={forget}>
      {t("guests.forget")}
    </button>
  );
}
