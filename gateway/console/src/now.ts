// The time, as far as texts such as «2 hours ago» need it.

import { signal } from "@preact/signals";

export const now = signal(Date.now());

setInterval(() => {
  now.value = Date.now();
}, 30_000);
