// English: the pages that letters lead to.

import type { LetterTexts } from "./text";

export const en: LetterTexts = {
  texts: {
    "letter.on": "To Frontdesk",
    "recover.title": "New password",
    "recover.lead": "Choose a new password. It ends all your sessions.",
    "recover.set": "Set password",
    "recover.done": "The password is set. Sign in with it.",
    "recover.other": "Ask for a new link",
    "recover.ask": "A link goes to your address, with which you set a new password. It works for an hour.",
    "recover.send": "Send link",
    "recover.sent": "If {email} has an account, the link is on its way.",
    "confirm.title": "Confirm your e-mail address",
    "confirm.lead": "Confirm that you read the mail of this address.",
    "confirm.go": "Confirm",
    "confirm.done": "{email} is confirmed.",
    "invite.title": "Invitation",
    "invite.lead": "{inviter} invites {email} to {tenant}, in the role {role}.",
    "invite.lead_nobody": "{email} is invited to {tenant}, in the role {role}.",
    "invite.as": "You are signed in as {email}.",
    "invite.accept": "Accept invitation",
    "invite.decline": "Decline invitation",
    "invite.accepted": "You are a member of {tenant} now.",
    "invite.joined": "Your account is there, and you are a member of {tenant}. Sign in.",
    "invite.decline_sure": "To become a member of {tenant} later you need another invitation.",
    "invite.declined": "The invitation to {tenant} is declined.",
    "invite.join_lead": "Choose a name and a password for your account.",
    "invite.name": "Your name",
    "invite.join": "Create account and accept",
    "invite.have_account": "I have an account",
    "invite.needs_letter": "This link did not come to your address. For a new account we send one there; this one no longer works then.",
    "invite.send_letter": "Send a link to the invited address",
    "invite.letter_sent": "A new link is on its way to {email}.",
  },
  // What a reason means, and what to do about it.
  reasons: {
    LINK_INVALID: ["This link does not work, or no longer works.", "Ask for a new one."],
    INVITATION_FOR_ANOTHER: ["The invitation is for another address.", "Sign in with its account."],
    MAIL_NOT_SET_UP: ["No mail is sent from here.", "Whoever runs Frontdesk can help."],
  },
};
