"""JSON Schema of every value on the wire, and one AsyncAPI document of all topics, for other languages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import schemas
from schemas.base import Wire
from schemas.topics import load_topics


def model_named(name: str) -> type[Wire]:
    """The class that `topics.yaml` names."""
    model: type[Wire] = getattr(schemas, name)
    return model


def json_schema(name: str) -> dict[str, Any]:
    """As it is written: by alias, required fields as in the model. Readers ignore what they do not know."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **model_named(name).model_json_schema()}


def asyncapi() -> dict[str, Any]:
    topics = load_topics()
    models = sorted({topic.model for topic in topics.topics.values()})
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Peal",
            "version": "1",
            "description": "What travels over Kafka. Keys are UTF-8 ids, murmur2.",
        },
        "defaultContentType": "application/json",
        "channels": {
            name: {
                "address": name,
                "description": f"Written by {topic.owner}; read by {', '.join(topic.consumers)}. Key: {topic.key}.",
                "messages": {topic.model: {"$ref": f"#/components/messages/{topic.model}"}},
            }
            for name, topic in topics.topics.items()
        },
        "components": {
            "messages": {model: {"payload": {"$ref": f"./{model}.schema.json"}} for model in models},
        },
    }


def export(folder: Path) -> list[Path]:
    """Write all of it; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    documents = {f"{topic.model}.schema.json": json_schema(topic.model) for topic in load_topics().topics.values()}
    documents["Campaign.schema.json"] = json_schema("Campaign")
    documents["asyncapi.json"] = asyncapi()
    files = []
    for name, document in sorted(documents.items()):
        file = folder / name
        file.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
        files.append(file)
    return files
