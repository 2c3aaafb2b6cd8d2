// What the browser keeps of this page for the next time, if it keeps anything: where
// storage is blocked, asking for it throws.

export function kept(name: string): string | null {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

export function keep(name: string, value: string): void {
  try {
    localStorage.setItem(name, value);
  } catch {
    // The next time begins as the first one.
  }
}
