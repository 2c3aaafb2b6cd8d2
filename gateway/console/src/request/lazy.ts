// What is loaded after the list of requests: the open one, the dialogs, and decisions.

export { approve, draftOf, startReview } from "../decide/decisions";
export { Dialogs } from "../decide/Dialogs";
export { Latest } from "../decide/Latest";
export { ChosenBar } from "../inbox/ChosenBar";
export { Detail } from "./Detail";
