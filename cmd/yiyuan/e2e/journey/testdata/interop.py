#!/usr/bin/env python3
"""A subscriber written in another language: confluent-kafka and fastavro, schemas through the registry's REST API.

    interop.py BROKERS REGISTRY TOPIC KEY SECONDS

Prints the newest record of KEY ("" = the first record seen) as JSON, with the custom attributes of its schema's fields.
"""
import io, json, sys, time, urllib.request
import fastavro
from confluent_kafka import Consumer

brokers, registry, topic, key, seconds = sys.argv[1:6]
schemas = {}


def schema(number):
    if number not in schemas:
        with urllib.request.urlopen(f"{registry}/schemas/ids/{number}") as answer:
            schemas[number] = json.loads(json.load(answer)["schema"])
    return schemas[number]


consumer = Consumer({"bootstrap.servers": brokers, "group.id": "interop-" + str(time.time()), "auto.offset.reset": "earliest",
                     "isolation.level": "read_committed", "enable.partition.eof": False})
consumer.subscribe([topic])
found, until = None, time.time() + float(seconds)
while time.time() < until:
    message = consumer.poll(0.2)
    if message is None:
        if found:
            break
        continue
    if message.error():
        sys.exit(str(message.error()))
    if message.value() is None or (key and message.key().decode() != key):
        continue
    value = message.value()
    assert value[0] == 0, "not Confluent framing"
    number = int.from_bytes(value[1:5], "big")
    body = io.BytesIO(value[5:])
    record = fastavro.schemaless_reader(body, fastavro.parse_schema(dict(schema(number))))
    assert body.read() == b"", "trailing bytes"
    found = {"key": message.key().decode(), "schema": number, "record": record, "headers": {k: v.decode("utf-8", "replace") for k, v in (message.headers() or [])},
             "attributes": {f["name"]: {k: v for k, v in f.items() if k not in ("name", "type", "default")} for f in schema(number)["fields"]}}
    if not key:
        break
consumer.close()
if not found:
    sys.exit("no record")
print(json.dumps(found, ensure_ascii=False, default=str))
