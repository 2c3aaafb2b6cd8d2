// What is loaded after the list of requests: the open one, and the dialogs.

export { Dialogs } from "../decide/Dialogs";
export { Detail } from "./Detail";
