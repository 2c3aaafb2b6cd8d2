// The console in Chromium, as `requests.test.mjs` has it: sessions, members, operators, and
// how it is read.

import "./session.mjs";
import "./members.mjs";
import "./operators.mjs";
import "./reading.mjs";
import "./identity.mjs";
import "./passkeys.mjs";
import "./german.mjs";
// The last one: it sets another password of the owner.
import "./letters.mjs";
