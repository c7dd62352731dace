from _base import duck
from _rest import posts, rest_api, serving

DIFFERS = {}


def token(request, *_):
    return {"access_token": "t", "expires_in": 3600}


def run(dlt, workdir):
    with serving(token=token, posts=posts) as api:
        auth = {
            "type": "oauth2_client_credentials", "access_token_url": api.url + "/token", "client_id": "c", "client_secret": "s",
            "access_token_request_data": {"scope": "x y"},
        }
        p = duck(dlt, workdir)
        p.run(rest_api(dlt).rest_api_source({"client": {"base_url": api.url, "auth": auth}, "resources": ["posts"]}))
        return p, api.asked
