// The console in Chromium, against the program that `make up` starts.

import "./session.mjs";
import "./system.mjs";
import "./decisions.mjs";
import "./live.mjs";
import "./calendar.mjs";
import "./keyboard.mjs";
import "./properties.mjs";
import "./guests.mjs";
import "./members.mjs";
import "./operators.mjs";
import "./reading.mjs";
import "./identity.mjs";
import "./passkeys.mjs";
import "./german.mjs";
// The last one: it sets another password of the owner.
import "./letters.mjs";
