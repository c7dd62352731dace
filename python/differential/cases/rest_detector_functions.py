from _rest import module

BODIES = [
    {"data": [1], "next": "/x"},
    {"meta": {"items": [1], "total_pages": 3}, "results": [2]},
    {"a": {"b": {"c": [1], "d": {"e": [2]}}}},
    {"links": {"nextPage": {"href": "http://x"}}},
    [1, 2],
    {"next": None, "Pages": "4"},
    {},
]
PATHS = ["posts/{id}", "posts/{id}/", "posts/{id}.json", "posts/{id}/comments", "x-{a.b}-y", "posts?id={resources.a.id}"]


def run(dlt, workdir):
    detector = module(dlt, "sources.helpers.rest_client.detector")
    jsonpath = module(dlt, "common.jsonpath")
    found = []
    for body in BODIES:
        found.append([detector.find_response_page_data(body), detector.find_next_page_path(body), detector.find_total_pages_path(body)])
    found.append([detector.single_entity_path(path) for path in PATHS])
    document = {"a": [{"b": 1, "c": [1, 2]}, {"b": 2}], "x y": 3, "d": {"e": {"f": None}}}
    for path in ("a[*].b", "$.a[0].c[-1]", "'x y'", "d.e.f", "$", "a..b", "d.*", "a[?(@.b>1)].b", "nope", "a[5]", "a[0:1].b", "a[*].c", "d.e,a"):
        found.append([path, list(jsonpath.find_values(path, document))])
    found.append([jsonpath.extract_simple_field_name(path) for path in ("id", "'na.me'", "$.id", "a.b", "*")])
    return found
