"""What four networks said of one story in two languages, for those who look at the pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import requests

from tests.sandbox.running import TIMEOUT, Sandbox, SandboxAccount

MEDIA = Path(__file__).parents[2] / "campaigns"
WORDS = {
    "en": [
        "Partner spotlight: this week we look at Meridia. Its training mission works with 14 town "
        "councils along the Tigris.\n\nhttps://example.org/partners/meridia #LifeafterDaesh",
        "It began with a loom, and with the women who knew the patterns. (2/2)",
    ],
    "ar": [
        "شريك الأسبوع: نسلّط الضوء هذا الأسبوع على ميريديا. تعمل بعثتها التدريبية مع 14 مجلسًا "
        "بلديًا على ضفاف دجلة.\n\nhttps://example.org/ar/partners/meridia #الحياة_بعد_داعش",
        "بدأت الحكاية بنول، وبنساء حفظن النقوش. (2/2)",
    ],
}
ALT = {"en": "Drawing: a wooden loom with a red rug.", "ar": "رسم: نول خشبي عليه سجادة حمراء."}
NAMES = {"en": "Coalition demo", "ar": "التحالف، عرض تجريبي"}
SPOKEN = ("mastodon", "bluesky", "telegram")
WARNING = {"en": "Mines are mentioned", "ar": "فيه ذكر للألغام"}


def tell(sandbox: Sandbox, language: str) -> None:
    """The same story on every network, each with what only that network has."""
    for network, handle, say in (
        ("mastodon", f"coalition_{language}", _on_mastodon),
        ("bluesky", f"{language}.coalition-demo.example", _on_bluesky),
        ("telegram", f"CoalitionDemo{language.upper()}", _on_telegram),
    ):
        account = sandbox.add_account(handle, language, network=network, name=NAMES[language])
        say(sandbox, account)


def picture(name: str = "partner-spotlight/media/loom.png") -> bytes:
    """One of the samples' drawings."""
    return (MEDIA / name).read_bytes()


def film(language: str) -> tuple[bytes, bytes]:
    """The samples' film in a language, and its captions."""
    folder = MEDIA / "life-after-daesh/media"
    return (folder / f"street-{language}.mp4").read_bytes(), (
        folder / f"street-{language}.vtt"
    ).read_bytes()


def _on_mastodon(sandbox: Sandbox, account: SandboxAccount) -> None:
    headers = {"Authorization": f"Bearer {account.keys['access_token']}"}
    language = account.language
    reply = ""
    for number, text in enumerate(WORDS[language]):
        wish: dict[str, Any] = {"status": text, "language": language, "in_reply_to_id": reply}
        if number == 0:
            file = {"file": ("loom.png", picture(), "image/png")}
            told = {"description": ALT[language]}
            media = _done("POST", f"{sandbox.url}/api/v2/media", headers, files=file, data=told)
            wish |= {"media_ids": [media["id"]], "spoiler_text": WARNING[language]}
        reply = _done("POST", f"{sandbox.url}/api/v1/statuses", headers, json=wish)["id"]


def _on_bluesky(sandbox: Sandbox, account: SandboxAccount) -> None:
    url, language = f"{sandbox.url}/xrpc", account.language
    keys = account.keys
    who = {"identifier": keys["identifier"], "password": keys["app_password"]}
    session = _done("POST", f"{url}/com.atproto.server.createSession", {}, json=who)
    headers = {"Authorization": f"Bearer {session['accessJwt']}"}

    def blob(content: bytes, kind: str) -> Any:
        named = headers | {"Content-Type": kind}
        return _done("POST", f"{url}/com.atproto.repo.uploadBlob", named, data=content)["blob"]

    def post(text: str, embed: dict[str, Any]) -> None:
        record: dict[str, Any] = {
            "$type": "app.bsky.feed.post",
            "text": text,
            "langs": [language],
            "embed": embed,
        }
        record |= {"createdAt": "2026-12-15T14:30:00.000Z", "facets": _facets(text)}
        wish = {"repo": account.id, "collection": "app.bsky.feed.post", "record": record}
        _done("POST", f"{url}/com.atproto.repo.createRecord", headers, json=wish)

    address = next(w for w in WORDS[language][0].split() if w.startswith("https://"))
    box = {"uri": address, "title": NAMES[language], "description": ALT[language]}
    box["thumb"] = blob(picture(), "image/png")
    post(WORDS[language][0], {"$type": "app.bsky.embed.external", "external": box})
    video, captions = film(language)
    embed: dict[str, Any] = {"$type": "app.bsky.embed.video", "video": blob(video, "video/mp4")}
    embed |= {"captions": [{"lang": language, "file": blob(captions, "text/vtt")}]}
    post(WORDS[language][1], embed | {"alt": ALT[language]})


def _on_telegram(sandbox: Sandbox, account: SandboxAccount) -> None:
    keys, language = account.keys, account.language
    url = f"{sandbox.url}/bot{keys['bot_token']}"
    names = ("loom", "canal", "bridge")
    pictures = {n: picture(f"partner-spotlight/media/{n}.png") for n in names}
    files = {n: (f"{n}.png", content, "image/png") for n, content in pictures.items()}
    album: list[dict[str, Any]] = [{"type": "photo", "media": f"attach://{n}"} for n in names]
    album[0]["caption"] = WORDS[language][0]
    form = {"chat_id": keys["channel"], "media": _json(album)}
    _done("POST", f"{url}/sendMediaGroup", {}, data=form, files=files)
    words = {"chat_id": keys["channel"], "text": WORDS[language][1], "disable_notification": True}
    _done("POST", f"{url}/sendMessage", {}, json=words)


def _facets(text: str) -> list[dict[str, Any]]:
    """Links and hashtags, by the bytes at which they stand."""
    found = []
    for word in text.split():
        kind = "link" if word.startswith("https://") else "tag" if word.startswith("#") else ""
        if kind:
            start = len(text[: text.index(word)].encode())
            feature = {"$type": f"app.bsky.richtext.facet#{kind}"}
            feature |= {"uri": word} if kind == "link" else {"tag": word[1:]}
            place = {"byteStart": start, "byteEnd": start + len(word.encode())}
            found.append({"index": place, "features": [feature]})
    return found


def _json(value: Any) -> str:
    import json

    return json.dumps(value, ensure_ascii=False)


def _done(method: str, url: str, headers: dict[str, str], **options: Any) -> Any:
    answer = requests.request(method, url, headers=headers, timeout=TIMEOUT, **options)
    assert answer.ok, f"{url}: {answer.status_code} {answer.text}"
    return answer.json()
