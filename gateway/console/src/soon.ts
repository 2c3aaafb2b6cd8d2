// What many events ask for is done once, when they are over; and where they do not end, every
// few seconds.

const QUIET = 500;
const LONGEST = 5_000;

export function soon(act: () => void): { (): void; stop: () => void } {
  let timer = 0;
  let since = 0;
  const stop = () => {
    clearTimeout(timer);
    timer = 0;
  };
  const ask = () => {
    if (timer === 0) since = Date.now();
    clearTimeout(timer);
    timer = window.setTimeout(() => {
      timer = 0;
      act();
    }, Math.max(Math.min(QUIET, since + LONGEST - Date.now()), 0));
  };
  return Object.assign(ask, { stop });
}
