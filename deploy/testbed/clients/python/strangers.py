"""What registry.py and records.py share: what they are told, and how they tell what is not as it should be."""
import json
import sys
from inspect import isfunction

from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError

told = json.load(sys.stdin)  # registry, kafka: addresses; key: who has it writes ("" = nobody does); prefix: of the topics; topic: one that the bus publishes
mine = told["prefix"] + "stranger."  # what these programs make is called so

called = set()


def noting(name):
    method = getattr(SchemaRegistryClient, name)

    def call(self, *args, **options):
        called.add(name)
        return method(self, *args, **options)

    return call


# Confluent's client, noting what of it was called.
Client = type("Client", (SchemaRegistryClient,), {name: noting(name) for name, of in vars(SchemaRegistryClient).items() if isfunction(of) and not name.startswith("_")})


def client(key=told["key"]):
    """A client with nothing in its caches."""
    return Client({"url": told["registry"], **({"basic.auth.user.info": "stranger:" + key} if key else {})})


def avro(what, *references):
    return Schema(what if isinstance(what, str) else json.dumps(what), "AVRO", list(references))


def record(name, *fields, **more):
    return {"type": "record", "name": name, "fields": [dict(zip(("name", "type", "default"), f)) for f in fields], **more}


def same(what, got, want):
    if got != want:
        sys.exit(f"{what}: is {got!r}, want {want!r}")


def refused(what, status, code, call, *args, says="", **options):
    """The client raises the error that it has for the status and the code, in words of two tongues that name what is meant."""
    try:
        got = call(*args, **options)
    except SchemaRegistryError as error:
        same(what, (error.http_status_code, error.error_code), (status, code))
        if " / " not in error.error_message or says not in error.error_message:
            sys.exit(f"{what}: {error.error_message!r} does not say {says!r} in two tongues")
        return
    sys.exit(f"{what}: is answered {got!r}, want {status} {code}")
