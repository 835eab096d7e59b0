"""The OpenAPI document of the operators' API, made of the same list as its routes and the same types as its answers."""

from typing import Any

import msgspec

from pos_app import __version__
from sync.hq_server.api import ENDPOINTS, PREFIX, ApiProblem, Endpoint, Parameter

REF = "#/components/schemas/{name}"


def document() -> dict[str, Any]:
    """OpenAPI 3.1."""
    shapes, schemas = msgspec.json.schema_components([ApiProblem, *(e.answer for e in ENDPOINTS)], ref_template=REF)
    problem, *answers = shapes
    return {
        "openapi": "3.1.0",
        "info": {"title": "Lanewise HQ, for operators", "version": __version__},
        "security": [{"token": []}],
        "paths": {
            PREFIX + endpoint.path: {"get": _operation(endpoint, shape, problem)}
            for endpoint, shape in zip(ENDPOINTS, answers, strict=True)
        },
        "components": {"schemas": schemas, "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    }


def _operation(endpoint: Endpoint, shape: dict[str, Any], problem: dict[str, Any]) -> dict[str, Any]:
    refused = {"400": "a parameter is wrong", "401": "no token, or not one that holds", "404": "no such thing"}
    return {
        "summary": endpoint.about,
        "operationId": endpoint.path.strip("/").replace("/", "_").replace("{", "").replace("}", ""),
        "parameters": [_parameter(parameter) for parameter in endpoint.parameters],
        "responses": {"200": _response("as asked", shape)} | {code: _response(why, problem) for code, why in refused.items()},
    }


def _parameter(parameter: Parameter) -> dict[str, Any]:
    number = {"type": "integer", "minimum": 1, "maximum": parameter.most, "default": parameter.otherwise}
    return {
        "name": parameter.name, "in": parameter.place, "description": parameter.about, "required": parameter.place == "path",
        "schema": {"type": "string", "pattern": parameter.pattern} if parameter.pattern else number,
    }  # fmt: skip


def _response(about: str, shape: dict[str, Any]) -> dict[str, Any]:
    return {"description": about, "content": {"application/json": {"schema": shape}}}
