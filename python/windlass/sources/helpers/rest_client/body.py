"""Bodies of answers: decoded once, with errors that say what came instead."""

import json
from typing import Any, NoReturn

from windlass.sources.helpers._requests import requests
from windlass.sources.helpers.rest_client.utils import sanitize_url


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON")


def _text(response: requests.Response) -> str:
    """The body as text: in the charset that is named, else in the one that JSON has."""
    content = response.content
    if not response.encoding and len(content) > 3:
        encoding = requests.utils.guess_json_utf(content)
        if encoding is not None:
            try:
                return content.decode(encoding)
            except UnicodeDecodeError:
                pass
    return response.text


def _decoded(response: requests.Response) -> Any:
    text = _text(response)
    # A byte order mark may stand before it.
    document = text[1:] if text.startswith("\ufeff") else text
    try:
        return json.loads(document, parse_constant=_refuse_constant)
    except json.JSONDecodeError as cause:
        raise _named(response, cause.msg, document, cause.pos) from cause
    except ValueError as cause:
        raise _named(response, str(cause), document, 0) from cause


def _named(response: requests.Response, message: str, document: str, position: int) -> Exception:
    """The error with the answer that it is about; bodies may hold secrets and are not shown."""
    kind = response.headers.get("Content-Type", "without a type")
    what = f"{len(response.content)} bytes ({kind})" if response.content else "nothing"
    where = sanitize_url(response.url)
    text = f"the body is no JSON: {message}: {where} answered {response.status_code} with {what}"
    return requests.exceptions.JSONDecodeError(text, document, position)


def decode_once(response: requests.Response) -> None:
    """Has `response.json()` decode the body only once, however many ask for it."""
    known: list = []

    def decoded(**kwargs: Any) -> Any:
        if kwargs:
            return requests.Response.json(response, **kwargs)
        # A hook may have put another body in place.
        if not known or known[0] is not response.content:
            known[:] = [response.content, _decoded(response)]
        return known[1]

    response.json = decoded  # type: ignore[method-assign]

