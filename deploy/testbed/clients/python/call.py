"""Calls every operation with the client that openapi-python-client has made of /openapi.json.

python call.py FOLDER < what yiyuan demo --json prints; FOLDER holds the package yiyuan_client.
Every operation must be called and answered with what its description says, or this fails.
"""
import importlib
import json
import pkgutil
import sys

sys.path.insert(0, sys.argv[1])
import yiyuan_client.api as api
from yiyuan_client import AuthenticatedClient, models

demo = json.load(sys.stdin)
apps = {a["id"]: a for a in demo["apps"]}
person = demo["samples"]["person.partial"]


def client(app):
    return AuthenticatedClient(base_url=demo["gateway"], token=apps[app]["key"], raise_on_unexpected_status=True)


supervisor, relief = client("SJ-JDGL"), client("MZ-DBHD")

found = {}
for group in pkgutil.iter_modules(api.__path__):
    package = importlib.import_module(f"{api.__name__}.{group.name}")
    for module in pkgutil.iter_modules(package.__path__):
        found[module.name] = importlib.import_module(f"{package.__name__}.{module.name}")

called = set()


def call(name, kind, *args, status=200, **options):
    called.add(name)
    response = found[name].sync_detailed(*args, **options)
    if response.status_code != status or not isinstance(response.parsed, kind):
        sys.exit(f"{name}: answered {int(response.status_code)} as {type(response.parsed).__name__}, want {status} as {kind}: {response.content[:400]!r}")
    return response.parsed


ask = {"client": relief, "x_purpose": "DBHD"}
one = call("lookup", models.LookupAnswer, "person.partial", person, **ask)
fields = list(one.data.to_dict())
assert call("lookup", models.LookupAnswer, "person.partial", person, fields=",".join(fields[:2]), **ask).data.to_dict().keys() == set(fields[:2])
assert one.source_time.tzinfo is not None, "a moment is a datetime with its zone"
call("lookup", models.Problem, "person.partial", "1", status=422, **ask)
assert call("lookup", models.Problem, "no.such", person, status=404, **ask).code == "YIYUAN-4041"
call("lookup_one", models.LookupAnswer, "person.partial", body=models.KeyQuestion(key=person, fields=fields[:1]), **ask)
many = call("batch", models.BatchAnswer, body=models.BatchQuestion(view="person.partial", keys=[person, "1"]), **ask)
assert [r.found for r in many.results] == [True, False]
claim = models.VerifyQuestionFields.from_dict({"XM": "某某", "HJDZ": "某地"})
assert call("verify", models.VerifyAnswer, body=models.VerifyQuestion(view="person.verify", key=person, fields=claim), **ask).match is False
watch = {"client": supervisor, "x_purpose": "SUPERVISE"}
entity_key = demo["samples"]["person.explain"]
call("explain", models.ExplainAnswer, "person", entity_key, **watch)
call("explain_one", models.ExplainAnswer, "person", body=models.ExplainQuestion(key=entity_key), **watch)
catalogue = call("catalogue", models.Catalogue, client=relief)
for dataset in catalogue.datasets:
    call("dataset", models.DatasetDetail, dataset.id, client=relief)
for entity in catalogue.entities:
    call("entity", models.EntityDetail, entity.id, client=supervisor)
page = call("findings", models.FindingsPage, client=supervisor, limit=1)
call("finding", models.FindingPage, page.findings[0].id, client=supervisor)
call("finding", models.Problem, "none", status=404, client=supervisor)
call("findings", models.Problem, client=supervisor, cursor="x", status=400)
rejected = call("quarantine", models.Rejections, client=supervisor, limit=1)
call("settle", models.Rejection, body=models.SettleBody(id=rejected.entries[0].id), client=supervisor)
call("settle", models.Problem, body=models.SettleBody(id="none"), status=404, client=supervisor)
for name, kind in {
    "flow": models.FlowPage, "indicators": models.IndicatorsPage, "verifications": models.VerificationsPage,
    "topology": models.Topology, "me": models.MePage, "apps": models.DemoApps, "livez": str, "readyz": str, "openapi_yaml": str, "openapi_3_0_yaml": str,
}.items():
    call(name, kind, client=supervisor)
for name in ["openapi_json", "openapi_3_0_json"]:
    called.add(name)
    response = found[name].sync_detailed(client=supervisor)
    assert response.status_code == 200 and "openapi" in response.parsed.to_dict(), name

called.add("events")  # the generated call reads to the end, which never comes
request = {k: v for k, v in found["events"]._get_kwargs().items() if k in ("method", "url", "headers")}
with supervisor.get_httpx_client().stream(**request) as stream:
    data = next(line for line in stream.iter_lines() if line.startswith("data: "))
    models.FlowPage.from_dict(json.loads(data[len("data: "):]))

if missing := set(found) - called:
    sys.exit(f"not called: {sorted(missing)}")
print(f"{len(called)} operations")
