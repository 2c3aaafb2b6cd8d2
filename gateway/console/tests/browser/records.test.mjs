// The console in Chromium, as `requests.test.mjs` has it: houses, guests, operators and accounts.

import "./properties.mjs";
import "./guests.mjs";
import "./operators.mjs";
import "./session.mjs";
import "./identity.mjs";
