"""Reads what the bus publishes, and writes topics of its own, with Confluent's producer, consumer and Avro serialisers for Python.

records.py < {"kafka", "registry", "key", "prefix", "topic", "want"}; want is a record of the topic, or part of one, as the gateway answers it.
With no key it registers nothing: what it writes is of schemas that are there.
"""
import datetime
import decimal
import json
import sys
import time

from strangers import avro, client, mine, record, refused, same, told

from confluent_kafka import Consumer, KafkaError, Producer
from confluent_kafka.admin import AdminClient, NewTopic
from confluent_kafka.schema_registry import SchemaReference
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

brokers = {"bootstrap.servers": told["kafka"]}
published = told["prefix"] + told["topic"]
subject = {"subject.name.strategy": lambda ctx, name: told["topic"] + "-value"}  # the bus registers without its prefix
LIMIT = 60  # seconds that anything may take


def value(topic):
    return SerializationContext(topic, MessageField.VALUE)


def read(topic, enough):
    """The messages of a topic from its begin, until there are enough."""
    consumer = Consumer({**brokers, "group.id": mine + "reader", "auto.offset.reset": "earliest", "isolation.level": "read_committed", "enable.auto.commit": False})
    consumer.subscribe([topic])
    messages, until = [], time.monotonic() + LIMIT
    while not enough(messages):
        message = consumer.poll(1)
        if message is not None and message.error() and message.error().code() != KafkaError.UNKNOWN_TOPIC_OR_PART:  # made a moment ago
            sys.exit(f"read {topic}: {message.error()}")
        if message is not None and not message.error():
            messages.append(message)
        elif time.monotonic() > until:
            sys.exit(f"read {topic}: {len(messages)} messages, which do not hold what is looked for")
    consumer.close()
    return messages


def write(topic, key, *values):
    failed = []
    producer = Producer({**brokers, "enable.idempotence": True})
    for v in values:
        producer.produce(topic, v, key, on_delivery=lambda error, message: error and failed.append(error))
    same("not delivered", (producer.flush(LIMIT), failed), (0, []))


def plain(x):
    return json.loads(json.dumps(x, default=str))


def what_is_published():
    """The record that the gateway answers with is in the topic, read by its own schema and by the latest; written again it is the same bytes."""
    own, latest = AvroDeserializer(client()), AvroDeserializer(client(), conf={"use.latest.version": True, **subject})
    found = []

    def there(messages):
        if messages and messages[-1].value() is not None:
            message = messages[-1]
            read = own(message.value(), value(published))
            if {name: plain(read).get(name) for name in told["want"]} == told["want"]:
                found.append((message, read))
        return bool(found)

    read(published, there)
    message, got = found[0]
    same("by the latest schema", latest(message.value(), value(published)), got)
    again = AvroSerializer(client(), conf={"auto.register.schemas": False, "use.latest.version": True, **subject})
    same("serialised again", again(got, value(published)), message.value())
    return message, again(got, value(published))


def made(name):
    topic = mine + name
    admin = AdminClient(brokers)  # what it has begun ends with it
    admin.create_topics([NewTopic(topic, 2, 1)])[topic].result(LIMIT)
    return topic


def copied(message, bytes):
    topic = made("copy")
    write(topic, message.key(), bytes, None)
    back = read(topic, lambda messages: len(messages) == 2)
    same("copied and deleted", [(m.key(), m.value()) for m in back], [(message.key(), message.value()), (message.key(), None)])
    same("what is deleted", AvroDeserializer(client())(back[1].value(), value(topic)), None)


def of_others():
    """A topic of theirs, whose schemas become more: all of Avro, and references."""
    topic = made("orders")
    writer = client()
    address = avro(record("Address", ("street", "string"), namespace="town"))
    writer.register_schema(mine + "address", address)
    at = SchemaReference("town.Address", mine + "address", 1)
    fields = [
        ("kind", {"type": "enum", "name": "Kind", "symbols": ["NEW", "OLD"]}), ("lines", {"type": "array", "items": "string"}), ("marks", {"type": "map", "values": "long"}),
        ("hash", {"type": "fixed", "name": "Hash", "size": 2}), ("at", {"type": "long", "logicalType": "timestamp-micros"}), ("on", {"type": "int", "logicalType": "date"}),
        ("sum", {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}), ("to", ["null", "town.Address"]),
    ]
    order = {
        "kind": "NEW", "lines": ["一", "二"], "marks": {"a": 1}, "hash": b"\1\2", "at": datetime.datetime(2026, 1, 2, 3, 4, 5, 6, datetime.timezone.utc),
        "on": datetime.date(2026, 1, 2), "sum": decimal.Decimal("1.10"), "to": {"street": "和平路"},
    }
    first, second = avro(record("Order", *fields), at), avro(record("Order", *fields, ("note", "string", "无")), at)
    serialise = AvroSerializer(writer, first)
    refused("not registered yet", 404, 40401, AvroSerializer(client(), first, conf={"auto.register.schemas": False}), order, value(topic))
    write(topic, AvroSerializer(writer, '{"type":"string"}')("键", SerializationContext(topic, MessageField.KEY)), serialise(order, value(topic)))
    same("registered", client().get_versions(topic + "-value"), [1])
    refused("what older readers' data is not of", 409, 409, AvroSerializer(client(), avro(record("Order", ("area", "int")))), {"area": 1}, value(topic))
    same("registered too", client().register_schema_full_response(topic + "-value", second).version, 2)
    latest = AvroSerializer(client(), conf={"auto.register.schemas": False, "use.latest.version": True})
    write(topic, b"2", latest(order | {"note": "急"}, value(topic)))
    back = sorted(read(topic, lambda messages: len(messages) == 2), key=lambda m: len(m.value()))
    ids = [int.from_bytes(m.value()[1:5], "big") for m in back]
    same("each by its schema", ids, [client().get_version(topic + "-value", v).schema_id for v in (1, 2)])
    same("the key", AvroDeserializer(client())(back[0].key(), SerializationContext(topic, MessageField.KEY)), "键")
    for how, read_by, notes in [
        ("as written", AvroDeserializer(client()), [None, "急"]), ("by the latest", AvroDeserializer(client(), conf={"use.latest.version": True}), ["无", "急"]), ("by the first", AvroDeserializer(client(), first), [None, None]),
    ]:
        for m, note in zip(back, notes):
            same(how, read_by(m.value(), value(topic)), order if note is None else order | {"note": note})
    for name in [topic + "-key", topic + "-value", mine + "address"]:
        client().delete_subject(name)


copied(*what_is_published())
if told["key"]:
    of_others()
else:
    refused("to register by serialising", 403, 40301, AvroSerializer(client(), avro(record("Order", ("a", "int")))), {"a": 1}, value(mine + "orders"))
