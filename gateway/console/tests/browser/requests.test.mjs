// The console in Chromium, against the program that `make up` starts: requests and what is
// decided about them. What is about other subjects is beside it, with a system and a browser of
// its own, so that three are tested at the same time.

import "./system.mjs";
import "./decisions.mjs";
import "./live.mjs";
import "./calendar.mjs";
import "./keyboard.mjs";
