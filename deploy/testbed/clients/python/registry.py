"""Does with the registry all that Confluent's client for Python can: registers, looks up, compares, sets levels and modes, deletes, and is refused what is not there.

registry.py < {"registry", "key", "prefix", "topic"}; with no key it only reads, and is refused the rest.
Every method of the client must be called and answered as Confluent's registry would, or this fails.
"""
import sys

from strangers import avro, called, client, mine, record, refused, same, told

from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient
from confluent_kafka.schema_registry.common.schema_registry_client import (
    AssociationCreateOrUpdateRequest, ConfigCompatibilityLevel, Metadata, MetadataProperties, ServerConfig,
)

one = avro(record("Shop", ("name", "string")))
two = avro(record("Shop", ("name", "string"), ("open", "boolean", True)))
wrong = avro(record("Shop", ("name", "string"), ("area", "int")))  # cannot read what one wrote
shop, street, plan = mine + "shop-value", mine + "street-value", mine + "plan-value"
ours = told["topic"] + "-value"


def reading():
    r = client()
    same("types", r.get_schema_types(), ["AVRO"])
    same("contexts", r.get_contexts(), ["."])
    same("subjects by prefix", ours in r.get_subjects(subject_prefix=ours[:8]), True)
    same("subjects of a prefix nobody has", r.get_subjects(subject_prefix="none"), [])
    same("subjects by pages", sorted(r.get_subjects(limit=2) + r.get_subjects(offset=2)), sorted(r.get_subjects()))
    latest = r.get_latest_version(ours)
    same("the version of the latest", r.get_version(ours, latest.version).schema_id, latest.schema_id)
    same("a schema by its id", r.get_schema(latest.schema_id, subject_name=ours).schema_str, latest.schema.schema_str)
    same("a schema by what it is", r.lookup_schema(ours, latest.schema).version, latest.version)
    same("who has it", ours in r.get_subjects_by_schema_id(latest.schema_id), True)
    same("versions that have it", (ours, latest.version) in [(v.subject, v.version) for v in r.get_schema_versions(latest.schema_id)], True)
    same("who refers to it", r.get_referenced_by(ours, latest.version), [])
    same("it may follow itself", r.test_compatibility(ours, latest.schema), True)
    same("the mode", (r.get_mode(ours), r.get_global_mode()), ("READWRITE", "READWRITE"))
    same("the level", r.get_config().compatibility_level, ConfigCompatibilityLevel(r.get_compatibility()))
    return r, latest


def only_reading():
    r, latest = reading()
    for what, call, *args in [
        ("register", r.register_schema, shop, one), ("register ours again", client().register_schema, ours, latest.schema), ("level", r.set_compatibility, shop, "NONE"),
        ("mode", r.update_mode, shop, "READONLY"), ("delete", r.delete_subject, ours), ("delete a version", r.delete_version, ours, 1), ("no level", r.delete_config, shop),
    ]:
        refused(what + " where nobody may", 403, 40301, call, *args, says="write_key_file")
    for key in ["guess", ""]:
        refused("register with a key where there is none", 403, 40301, client(key).register_schema, shop, one)


def registering(r):
    id = r.register_schema(shop, one)
    same("registered again", client().register_schema(shop, one), id)
    same("registered in other spaces", client().register_schema(shop, avro(one.schema_str.replace(" ", "  "))), id)
    same("registered under another subject", client().register_schema(street, one), id)
    full = client().register_schema_full_response(shop, two)
    same("the next version", (full.version, full.schema_id > id, full.subject), (2, True, shop))
    same("versions", r.get_versions(shop), [1, 2])
    same("versions by pages", r.get_versions(shop, offset=1, limit=1), [2])
    same("the latest", client().get_latest_version(shop).schema_id, full.schema_id)
    same("looked up", (client().lookup_schema(shop, one).version, client().lookup_schema(shop, two).version), (1, 2))
    same("who has it", client().get_subjects_by_schema_id(id), [shop, street])
    same("by its id", client().get_schema(id).schema_str, r.get_version(shop, 1).schema.schema_str)
    for name, what in [("register", client().register_schema), ("look up", client().lookup_schema), ("register in full", client().register_schema_full_response)]:
        refused(name + " normalized", 422, 422, what, shop, one, normalize_schemas=True, says="normalize")
    refused("compare normalized", 422, 422, r.test_compatibility, shop, one, normalize=True, says="normalize")
    refused("resolved", 422, 422, client().get_latest_version, shop, fmt="resolved", says="format")
    refused("look up what is not there", 404, 40403, client().lookup_schema, shop, wrong)
    refused("look up where nothing is", 404, 40401, client().lookup_schema, plan, one)
    refused("a subject that is not there", 404, 40401, r.get_latest_version, plan)
    refused("its versions", 404, 40401, r.get_versions, plan)
    refused("a version that is not there", 404, 40402, r.get_version, shop, 7)
    refused("what is no version", 422, 42202, r.get_version, shop, "x")
    refused("an id that is not there", 404, 40403, r.get_schema, 2_000_000_000)
    refused("what is no schema", 422, 42201, client().register_schema, shop, avro("{"))
    refused("what is no subject", 422, 42208, client().register_schema, "__GLOBAL", one)
    refused("with no key", 401, 40101, client("").register_schema, shop, wrong)
    refused("with a wrong key", 401, 401, client("guess").register_schema, shop, wrong)


def comparing(r):
    same("compared with one", (r.test_compatibility(shop, two, 1), r.test_compatibility(shop, wrong, 1), r.test_compatibility(shop, wrong, verbose=True)), (True, False, False))
    same("compared with all", (r.test_compatibility_all_versions(shop, two), r.test_compatibility_all_versions(shop, wrong)), (True, False))
    refused("what cannot read the data", 409, 409, client().register_schema, shop, wrong, says="area")
    refused("no level of its own", 404, 40408, r.get_compatibility, shop)
    refused("no level to take back", 404, 40408, r.delete_config, shop)
    refused("what is no level", 422, 42203, r.set_compatibility, shop, "SOMETIMES")
    same("a level", (r.set_compatibility(shop, "none"), r.get_compatibility(shop)), ({"compatibility": "NONE"}, "NONE"))
    same("what it lets pass", r.test_compatibility_all_versions(shop, wrong), True)
    r.set_config(shop, ServerConfig(compatibility=ConfigCompatibilityLevel.FULL_TRANSITIVE))
    same("another level", r.get_config(shop).compatibility_level, ConfigCompatibilityLevel.FULL_TRANSITIVE)
    same("taken back", r.delete_config(shop).compatibility_level, ConfigCompatibilityLevel.FULL_TRANSITIVE)
    before = r.get_compatibility()
    r.set_config(config=ServerConfig(compatibility=ConfigCompatibilityLevel.FULL))
    same("the level of all", (r.get_compatibility(), r.test_compatibility_all_versions(shop, avro(record("Shop")))), ("FULL", False))
    r.delete_config()
    same("the level of all, taken back", r.get_compatibility(), before)
    refused("a group", 422, 422, r.set_config, shop, ServerConfig(compatibility_group="v"), says="compatibilityGroup")


def referring(r):
    address = avro(record("Address", ("street", "string"), namespace="town"))
    r.register_schema(street + ".address", address)
    to = SchemaReference("town.Address", street + ".address", 1)
    house = avro(record("House", ("at", "town.Address")), to)
    id = r.register_schema(plan, house)
    same("its references", [(x.name, x.subject, x.version) for x in client().get_schema(id).references], [(to.name, to.subject, 1)])
    same("looked up with them", client().lookup_schema(plan, house).schema_id, id)
    same("who refers", r.get_referenced_by(to.subject, 1), [id])
    same("the latest of it is that", client().register_schema(plan, avro(house.schema_str, SchemaReference(to.name, to.subject, -1))), id)
    same("compared with them", r.test_compatibility(plan, avro(record("House", ("at", "town.Address"), ("no", "int", 0)), to)), True)
    refused("without them", 422, 42201, client().register_schema, plan, avro(house.schema_str))
    refused("to what is not there", 422, 42201, client().register_schema, plan, avro(house.schema_str, SchemaReference(to.name, to.subject, 9)))
    refused("delete what is referred to", 422, 42206, r.delete_subject, to.subject)
    refused("delete a version that is", 422, 42206, r.delete_version, to.subject, 1)


def modes(r):
    same("read only", (r.update_mode(shop, "READONLY"), r.get_mode(shop), r.get_mode(plan)), ("READONLY", "READONLY", "READWRITE"))
    refused("what is read only", 422, 42205, client().register_schema, shop, wrong, says="READONLY")
    refused("delete of it", 422, 42205, r.delete_version, shop, 1, says="READONLY")
    same("no mode of its own", (r.delete_mode(shop), r.get_mode(shop)), ("READONLY", "READWRITE"))
    same("all read only", (r.update_global_mode("READONLY"), r.get_global_mode(), r.get_mode(plan)), ("READONLY",) * 3)
    refused("while all is", 422, 42205, client().register_schema, shop, wrong, says="READONLY")
    same("all as before", (r.update_global_mode("READWRITE"), r.get_global_mode()), ("READWRITE", "READWRITE"))
    refused("import", 422, 42205, r.update_mode, shop, "IMPORT", says="IMPORT")
    refused("import by force", 422, 42205, r.update_global_mode, "IMPORT", force=True, says="IMPORT")
    refused("what is no mode", 422, 42204, r.update_mode, shop, "SOMETIMES")


def deleting(r):
    refused("for good what is not deleted", 404, 40407, r.delete_version, shop, 1, permanent=True)
    refused("all of it for good", 404, 40405, r.delete_subject, shop, permanent=True)
    same("deleted", r.delete_version(shop, 1), 1)
    refused("deleted again", 404, 40406, r.delete_version, shop, 1)
    refused("what is deleted", 404, 40402, client().get_version, shop, 1)
    refused("looked up when it is", 404, 40403, client().lookup_schema, shop, one)
    same("seen by who asks for it", (client().get_version(shop, 1, deleted=True).version, client().lookup_schema(shop, one, deleted=True).version), (1, 1))
    same("versions", (r.get_versions(shop), r.get_versions(shop, deleted=True), r.get_versions(shop, deleted_only=True)), ([2], [1, 2], [1]))
    id = client().get_version(shop, 1, deleted=True).schema_id
    same("read by its id all the same", client().get_schema(id).schema_str, client().get_version(shop, 1, deleted=True).schema.schema_str)
    same("deleted for good", r.delete_version(shop, 1, permanent=True), 1)
    refused("what is gone", 404, 40402, client().get_version, shop, 1, deleted=True)
    same("all deleted", r.delete_subject(shop), [2])
    refused("deleted again", 404, 40404, r.delete_subject, shop)
    same("listed for who asks", [shop in x for x in (r.get_subjects(), r.get_subjects(deleted=True), r.get_subjects(deleted_only=True))], [False, True, True])
    same("registered anew", client().register_schema_full_response(shop, two).version, 3)
    same("all of it deleted", (client().delete_subject(shop), client().delete_subject(shop, permanent=True)), ([3], [2, 3]))
    refused("what is gone", 404, 40401, client().get_versions, shop, deleted=True)
    for name in [plan, street + ".address", street]:
        same("nothing stays", (len(client().delete_subject(name)), len(client().delete_subject(name, permanent=True))), (1, 1))


def of_the_bus(r, latest):
    """What the bus itself reads keeps to the bus's rules."""
    same("ours again", client().register_schema(ours, latest.schema), latest.schema_id)
    refused("ours, otherwise", 422, 42205, client().register_schema, ours, avro(record("Other", ("a", "string"))), says="registered by the bus")
    refused("ours, of what the bus does not read", 422, 42201, client().register_schema, ours, avro({"type": "enum", "name": "E", "symbols": ["A"]}), says="shared.*")
    refused("the same by the name in Kafka", 422, 42201, client().register_schema, told["prefix"] + ours, avro({"type": "enum", "name": "E", "symbols": ["A"]}), says="shared.*")
    refused("ours, with references", 422, 42201, client().register_schema, ours, avro(latest.schema.schema_str, SchemaReference("x", ours, 1)), says="references")
    refused("one of ours that is not there", 422, 42205, r.register_schema, "claims.stranger-value", one, says="claims.*")
    for permanent in [False, True]:
        refused("out of use", 422, 42205, r.delete_subject, ours, permanent=permanent, says="nothing of it is deleted")
        refused("a version of it", 422, 42205, r.delete_version, ours, latest.version, permanent=permanent)
    same("its level", r.get_config(ours).compatibility_level, ConfigCompatibilityLevel.FULL_TRANSITIVE)
    same("as it is", r.set_compatibility(ours, "FULL_TRANSITIVE"), {"compatibility": "FULL_TRANSITIVE"})
    refused("a weaker one", 422, 42205, r.set_compatibility, ours, "NONE", says="FULL_TRANSITIVE")
    refused("none", 422, 42205, r.delete_config, ours)
    same("it is there", client().lookup_schema(ours, latest.schema).version, latest.version)


def not_here(r, latest):
    """What Confluent's registry has and this one has not is refused by name, or is not there."""
    refused("JSON Schema", 422, 42201, r.register_schema, shop, Schema("{}", "JSON"), says="JSON")
    refused("Protobuf", 422, 42201, r.register_schema, shop, Schema("message A {}", "PROTOBUF"), says="PROTOBUF")
    refused("metadata", 422, 422, r.register_schema, shop, Schema(one.schema_str, "AVRO", [], Metadata(None, MetadataProperties({"a": "b"}), None)), says="metadata")
    refused("another context", 422, 422, r.register_schema, ":.other:" + shop, one, says="contexts")
    refused("the latest by metadata", 404, 404, r.get_latest_with_metadata, ours, {"a": "b"})
    refused("by guid", 404, 404, r.get_schema_by_guid, "00000000-0000-0000-0000-000000000000")
    refused("associations", 404, 404, r.get_associations_by_resource_name, "a", "-")
    refused("an association", 404, 404, r.create_association, AssociationCreateOrUpdateRequest("a", "-", "b", "topic", []))
    refused("no association", 404, 404, r.delete_associations, "b")


if not told["key"]:
    only_reading()
    sys.exit()
r, latest = reading()
registering(r)
comparing(r)
referring(r)
modes(r)
of_the_bus(r, latest)
not_here(r, latest)
deleting(r)
r.clear_latest_caches()
r.clear_caches()
r.config()
r.close()
if missing := {name for name in vars(SchemaRegistryClient) if not name.startswith("_")} - called - {"new_client"}:
    sys.exit(f"not called: {sorted(missing)}")
