"""Messages to Slack."""

import json
import urllib.request


def send_slack_message(incoming_hook: str, message: str, is_markdown: bool = True) -> None:
    """Sends a message to the incoming webhook of a channel. Raises `urllib.error.URLError` if that fails."""
    body = json.dumps({"text": message, "mrkdwn": is_markdown}).encode("utf-8")
    request = urllib.request.Request(incoming_hook, body, {"Content-Type": "application/json;charset=utf-8"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        answer.read()


__all__ = ["send_slack_message"]
