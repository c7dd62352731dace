from _base import duck
from _rest import POSTS, module, paginators, paged, rest_api, serving


def run(dlt, workdir):
    setup = module(dlt, "sources.rest_api.config_setup")
    auth = module(dlt, "sources.helpers.rest_client.auth")
    configspec = module(dlt, "common.configuration").configspec

    class Pages(paginators(dlt).PageNumberPaginator):
        def __init__(self, page_param="page"):
            super().__init__(base_page=1, page_param=page_param, total_path=None)

    @configspec
    class Signed(auth.AuthConfigBase):
        api_key: str = None

        def __call__(self, request):
            request.headers["Authorization"] = "signed " + self.api_key
            return request

    setup.register_paginator("pages", Pages)
    setup.register_auth("signed", Signed)
    with serving(posts=paged(POSTS)) as api:
        p = duck(dlt, workdir)
        config = {
            "client": {"base_url": api.url, "auth": {"type": "signed", "api_key": "k"}, "paginator": {"type": "pages", "page_param": "page"}},
            "resources": ["posts"],
        }
        p.run(rest_api(dlt).rest_api_source(config))
        return p, api.asked
