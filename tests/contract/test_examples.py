"""Every topic has examples, and every one of them is understood by all who read the topic."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import msgspec
import pytest
from pydantic import ValidationError

from schemas.export import export, model_named
from schemas.topics import load_topics
from services.domain import messages

EXAMPLES = files("schemas").joinpath("examples")
PAIRS = [(name, example) for name, topic in load_topics().topics.items() for example in topic.examples]
STRUCTS = {
    "SendRequested": messages.SendRequest,
    "SendMessage": messages.SendMessage,
    "DeliveryEvent": messages.DeliveryEvent,
    "Consent": messages.Consent,
    "ContactChange": messages.ContactChange,
    "Engagement": messages.Engagement,
    "SendRecall": messages.SendRecall,
}


def names(value: object, path: str = "") -> set[str]:
    """Every field that a document names, at whatever depth."""
    if not isinstance(value, dict):
        return {path}
    return {path} | {name for key, inner in value.items() for name in names(inner, f"{path}.{key}")}


def read(example: str) -> bytes:
    return EXAMPLES.joinpath(example).read_bytes()


@pytest.mark.parametrize("name", load_topics().topics)
def test_a_topic_has_an_example(name: str) -> None:
    assert load_topics().topics[name].examples


@pytest.mark.parametrize(("topic", "example"), PAIRS)
def test_an_example_is_what_its_model_writes(topic: str, example: str) -> None:
    model = model_named(load_topics().topics[topic].model)
    written = model.read(read(example)).write()
    assert names(json.loads(read(example))) <= names(json.loads(written))
    assert model.model_validate_json(written) == model.read(read(example))


@pytest.mark.parametrize(("topic", "example"), PAIRS)
def test_a_reader_passes_over_a_field_that_it_does_not_know(topic: str, example: str) -> None:
    model = model_named(load_topics().topics[topic].model)
    value = json.dumps(json.loads(read(example)) | {"added_next_year": 1})
    assert model.read(value) == model.read(read(example))


@pytest.mark.parametrize(("topic", "example"), PAIRS)
def test_a_writer_cannot_add_a_field(topic: str, example: str) -> None:
    model = model_named(load_topics().topics[topic].model)
    with pytest.raises(ValidationError):
        model.model_validate_json(json.dumps(json.loads(read(example)) | {"mine": 1}))


@pytest.mark.parametrize("name", STRUCTS)
def test_the_fast_struct_has_the_fields_and_defaults_of_its_model(name: str) -> None:
    model, struct = model_named(name), STRUCTS[name]
    fields = {field.name: field for field in msgspec.structs.fields(struct)}
    assert set(fields) == set(model.model_fields)


@pytest.mark.parametrize(
    ("topic", "example"), [pair for pair in PAIRS if load_topics().topics[pair[0]].model in STRUCTS]
)
def test_struct_and_model_read_and_write_the_same(topic: str, example: str) -> None:
    name = load_topics().topics[topic].model
    model, struct = model_named(name), STRUCTS[name]
    from_struct = model.read(messages.encode_json(msgspec.json.decode(read(example), type=struct)))
    assert from_struct == model.read(read(example))
    assert msgspec.json.decode(model.read(read(example)).write(), type=struct) == msgspec.json.decode(
        read(example), type=struct
    )


def test_the_exported_schemas_are_those_of_the_models(tmp_path: Path) -> None:
    """`peal schemas export` was run after the last change."""
    for file in export(tmp_path):
        assert file.read_text() == files("schemas").joinpath("json", file.name).read_text(), f"{file.name} is old"
