import assert from "node:assert/strict";
import { before, test } from "node:test";
import { load } from "./load.mjs";

const { agoText, dateOf, dayOf, dayText, speak, stayText, today } = await load("text/days", "text/format", "text/text#speak");
const year = new Date().getFullYear();

before(async () => {
  navigator.languages = ["de-DE", "en-GB", "en"];
  await speak("en");
});

test("the year is left out only of days of this one", () => {
  assert.doesNotMatch(dayText(dayOf(`${year}-07-03`)), /\d{4}/);
  assert.match(dayText(dayOf(`${year + 1}-01-01`)), new RegExp(`${year + 1}$`));
  assert.match(dayText(dayOf(`${year - 1}-12-31`)), new RegExp(`${year - 1}$`));
  assert.match(stayText(`${year}-12-30`, `${year + 1}-01-02`), new RegExp(`${year}.*${year + 1}`));
  assert.doesNotMatch(stayText(dateOf(today()), dateOf(today())), /\d{4}/);
});

test("English is written as the browser has it", () => {
  assert.match(dayText(dayOf(`${year}-07-03`)), /3 Jul/);
});

test("tomorrow is a day of the calendar, whatever the hours until then", () => {
  const evening = new Date(year, 5, 10, 20).getTime();
  const said = (hours) => agoText({ seconds: BigInt(evening / 1000 + hours * 3600), nanos: 0 }, evening);
  assert.deepEqual([24, 27.9, 28, 48].map(said), ["tomorrow", "tomorrow", "in 2 days", "in 2 days"]);
  assert.deepEqual([-24, -44, -45].map(said), ["yesterday", "yesterday", "2 days ago"]);
  assert.deepEqual([23.9, -1, 0.5, 0].map(said), ["in 23 hours", "1 hour ago", "in 30 minutes", "this minute"]);
});
