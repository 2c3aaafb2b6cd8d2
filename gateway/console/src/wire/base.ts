// Where the gateway is: the folder that the page is in, whatever path leads to it.

export const base = new URL(".", document.baseURI).href;

export function at(path: string): string {
  return base + path;
}
