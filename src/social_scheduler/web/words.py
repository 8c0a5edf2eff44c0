"""What states, steps and reasons are called on the pages, marked for translation."""

from __future__ import annotations


def N_(text: str) -> str:  # noqa: N802 - gettext's own name for "translate this later"
    """Mark a text for the catalogues; it is translated where it is shown."""
    return text


STATES: dict[str, tuple[str, str]] = {
    "draft": ("draft", N_("draft")),
    "in_review": ("in-review", N_("in review")),
    "changes_requested": ("changes", N_("changes requested")),
    "approved": ("approved", N_("approved")),
    "withdrawn": ("cancelled", N_("withdrawn")),
    "scheduled": ("scheduled", N_("scheduled")),
    "waits for approval": ("in-review", N_("waits for approval")),
    "leased": ("scheduled", N_("about to be sent")),
    "waiting": ("scheduled", N_("not sent")),
    "sending": ("sending", N_("sending")),
    "published": ("published", N_("published")),
    "live": ("published", N_("live")),
    "failed": ("failed", N_("failed")),
    "refused": ("failed", N_("refused")),
    "partial": ("partial", N_("partly published")),
    "unconfirmed": ("unconfirmed", N_("unconfirmed")),
    "missed": ("missed", N_("missed")),
    "cancelled": ("cancelled", N_("cancelled")),
    "removed": ("cancelled", N_("removed")),
    "held": ("held", N_("held")),
    "not_as_approved": ("differs", N_("live, but not as approved")),
    "equal": ("published", N_("reads as approved")),
    "differs": ("differs", N_("differs from what was approved")),
    "gone": ("failed", N_("gone from the network")),
    "not readable": ("unconfirmed", N_("cannot be read back")),
    "connected": ("published", N_("connected")),
    "suspended": ("failed", N_("suspended: nothing goes out")),
    "not_connected": ("draft", N_("not connected")),
    "at_the_network": ("scheduled", N_("waits for you at the network")),
    "being_asked": ("sending", N_("the network is being asked")),
    "not_kept": ("failed", N_("not connected this time")),
    "no_proof": ("scheduled", N_("not read back yet")),
}
"""By state: the shape (and colour) that shows it, and the word."""

KINDS = {
    "spotlight": N_("partner spotlight"),
    "story": N_("story"),
    "quote": N_("quote"),
    "news": N_("news"),
    "explainer": N_("explainer"),
    "meeting": N_("meeting"),
    "digest": N_("digest"),
    "correction": N_("correction"),
    "condolence": N_("condolence"),
    "crisis": N_("crisis line"),
}

STEPS = {
    "submit": N_("submitted for review"),
    "approve": N_("gave the last approval needed"),
    "approve_one": N_("gave an approval"),
    "request_changes": N_("requested changes"),
    "edit": N_("edited"),
    "move": N_("moved to another time"),
    "void": N_("approvals no longer enough"),
    "withdraw": N_("withdrew it"),
    "claim": N_("took it up"),
    "begin": N_("began to send"),
    "release": N_("let it go again"),
    "miss": N_("not sent in time"),
    "cancel": N_("cancelled it"),
    "reword": N_("took it back for new words"),
    "proceed": N_("goes on with the next part"),
    "confirm": N_("it is live"),
    "postpone": N_("not sent; tries again"),
    "refuse": N_("the network refused"),
    "stop": N_("stopped part way"),
    "lose": N_("lost the answer"),
    "found": N_("found it on the network"),
    "resume": N_("found it; the thread goes on"),
    "absent": N_("it is not on the network"),
    "it_is_live": N_("says it is live"),
    "drop": N_("dropped it"),
    "send_again": N_("sends it again"),
    "remove": N_("removed it from the network"),
    "acknowledge": N_("has seen it and leaves it as it is"),
    "leave": N_("let the unclear rest be"),
    "prove": N_("read it back"),
    "look": N_("looked for it"),
    "reconcile": N_("read it from the journal after a restore"),
    "late_answer": N_("a late answer came"),
    "suspend_account": N_("suspended the account"),
    "connect_account": N_("connected the account"),
    "disconnect_account": N_("disconnected the account"),
    "begin_connecting": N_("began to connect the account"),
    "fail_connecting": N_("did not connect the account"),
    "keep_app": N_("kept our app's keys"),
    "renew_keys": N_("renewed the keys"),
    "rotate_keys": N_("changed the workers' key"),
    "lose_keys": N_("replaced the lost workers' key"),
}

SCOPES = {
    "everything": N_("everything"),
    "campaign": N_("a campaign"),
    "post": N_("a post"),
    "account": N_("an account"),
    "language": N_("a language"),
    "tag": N_("a tag"),
    "kind": N_("a kind of post"),
}

UNITS = {
    "weighted": N_("characters as the network weighs them"),
    "graphemes": N_("characters"),
    "utf16": N_("characters (UTF-16)"),
    "bytes": N_("bytes"),
    "mastodon": N_("characters as the network counts them"),
}

REPLIES = {
    "everyone": N_("everybody may reply"),
    "following": N_("only accounts it follows may reply"),
    "mentioned": N_("only accounts it mentions may reply"),
}

VISIBILITY = {
    "public": N_("everybody sees it"),
    "unlisted": N_("everybody sees it, but it is not listed"),
    "followers": N_("only followers see it"),
}

ENDS = {
    "cut": N_("The network would cut off what is faint at the end."),
    "folded": N_("Readers see what is faint at the end when they ask for more."),
}

MARKED = frozenset({"x", "bluesky", "mastodon", "telegram"})
"""Networks whose mark is drawn in marks.html; the others show their first letter."""

FIELDS = {
    "author_id": N_("the author"),
    "text": N_("the words"),
    "links": N_("the links"),
    "media_count": N_("the number of pictures"),
    "alt_texts": N_("the descriptions"),
    "language": N_("the language"),
    "reply_to": N_("what it answers"),
}
"""What can differ when a live part is read back."""

TITLES = {
    400: N_("That cannot be done"),
    401: N_("Sign in first"),
    403: N_("You may not do this"),
    404: N_("There is nothing here"),
    405: N_("That cannot be done"),
    409: N_("It changed meanwhile"),
    413: N_("That is too much"),
    422: N_("Something is missing"),
    500: N_("Something went wrong"),
    503: N_("The desk cannot work now"),
}

SAID_BY_SERVICES = (
    N_("The sign-in took longer than ten minutes."),
    N_("Nobody came back from the network."),
    N_("No worker asked the network."),
    N_("The worker stopped while it asked the network."),
    N_("It was begun anew."),
    N_("Connect it anew."),
    N_("You are not a reviewer."),
    N_("You wrote it; somebody else approves it."),
    N_("It waits for languages that you are not enrolled to read."),
    N_("You approved it already; one person counts once."),
    N_("It is approved."),
    N_("It is withdrawn."),
    N_("It is a draft; nobody is asked yet."),
    N_("Changes were requested; its author edits it first."),
    N_("The duty officer or a reviewer settles this."),
    N_("You wrote it; somebody else sends it again."),
    N_("A part of it was taken down; the thread cannot go on."),
    N_("It was edited since; these are its earlier words."),
    N_("The post is withdrawn."),
    N_("Say what you saw."),
    N_("That is no date and time."),
    N_("Choose both."),
    N_("Nothing is named to be sent again."),
    N_("Name an account."),
    N_("Give a later time, or none for now."),
    N_("Release the hold first, or give a later time."),
    N_("The name or the password is wrong."),
    N_("Try again, or ask an admin."),
    N_("Too many wrong passwords."),
    N_("Wait a few minutes and try again."),
    N_("The sign-in has ended or is unknown."),
    N_("You were signed out after 30 idle minutes."),
    N_("Sign in again."),
    N_("This page is for people who are signed in."),
    N_("Sign in."),
    N_("There is no such page."),
    N_("Go on from the first page."),
    N_("A request for changes needs a reason."),
    N_("Say what should be different."),
    N_("You wrote what should change, and pressed Approve."),
    N_("Press Request changes, or empty the field and approve."),
    N_("Dropping needs a reason."),
    N_("Paste the post's address, with https://."),
    N_("A hold needs a reason."),
    N_("Colleagues will read it."),
    N_("Look again."),
    N_("The form was sent from another site."),
    N_("Use the form of this desk."),
    N_("The form was made for another session."),
    N_("Load the page again, then send it."),
    N_("Something went wrong here."),
    N_("Try again; tell an admin."),
    N_("This address does not take that."),
)
"""Sentences of the services that readers meet often; others are shown in English as they are."""
