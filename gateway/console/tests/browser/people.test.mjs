// The console in Chromium, as `requests.test.mjs` has it: members, passkeys, how pages are read,
// and letters.

import "./members.mjs";
import "./reading.mjs";
import "./passkeys.mjs";
import "./german.mjs";
// The last one: it sets another password of the owner.
import "./letters.mjs";
