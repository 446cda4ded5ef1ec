"""A proxy that knows nothing but a vendor's own OpenAPI documents, and notes whatever passes that does not fit them."""

from __future__ import annotations

import http.client
import json
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jsonschema  # type: ignore[import-untyped]

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "vendors" / "openapi"
HOP = {
    "connection",
    "transfer-encoding",
    "content-length",
    "host",
}  # headers of one connection, not of the message


@dataclass(frozen=True)
class Operation:
    """One documented call, with the document that its schemas refer to."""

    method: str
    path: str
    told: Mapping[str, Any]
    parameters: tuple[Mapping[str, Any], ...]
    components: Mapping[str, Any]

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Return the path as an expression."""
        return re.compile(re.sub(r"\\{[^}]+\\}", "[^/]+", re.escape(self.path)) + "$")

    def flaws_of_request(self, query: str, headers: Mapping[str, str], body: bytes) -> Iterator[str]:
        """Yield what in a request does not fit: parameters and headers that are missing or not known, and the body."""
        given = {name for name, _ in parse_qsl(query, keep_blank_values=True)}
        known = {one["name"] for one in self.parameters if one["in"] == "query"}
        yield from (f"the parameter {name} is not known" for name in sorted(given - known))
        for one in self.parameters:
            held = given if one["in"] == "query" else {name.lower() for name in headers}
            if one.get("required") and one["in"] in ("query", "header"):
                name = one["name"] if one["in"] == "query" else one["name"].lower()
                if name not in held:
                    yield f"the {one['in']} parameter {one['name']} is missing"
        content = self._resolved(self.told.get("requestBody") or {}).get("content", {})
        if body and not content:
            yield "a body is not known"
        elif body:
            yield from self._flaws_of_body(body, content, headers.get("Content-Type", ""))
        elif content and self.told["requestBody"].get("required"):
            yield "the body is missing"

    def flaws_of_answer(self, status: int, content_type: str, body: bytes) -> Iterator[str]:
        """Yield what in an answer does not fit: a status that is not known, and the body."""
        answers = self.told.get("responses", {})
        told = answers.get(str(status)) or (answers.get("default") if status >= 400 else None)
        if told is None:
            yield f"the status {status} is not known"
            return
        content = self._resolved(told).get("content", {})
        if body and content:
            yield from self._flaws_of_body(body, content, content_type)

    def _flaws_of_body(self, body: bytes, content: Mapping[str, Any], content_type: str) -> Iterator[str]:
        kind = content_type.split(";", maxsplit=1)[0].strip() or "application/json"
        told = content.get(kind) or content.get("*/*") or content.get("application/json") or {}
        if kind == "application/x-www-form-urlencoded":
            value: Any = dict(parse_qsl(body.decode(), keep_blank_values=True))
        else:
            try:
                value = json.loads(body)
            except ValueError:
                yield "the body is not JSON"
                return
        schema = {**_closed(told.get("schema") or {}), "components": self.components}
        for error in jsonschema.Draft202012Validator(schema).iter_errors(value):
            yield from _leaves(error)

    def _resolved(self, part: Mapping[str, Any]) -> Mapping[str, Any]:
        if "$ref" not in part:
            return part
        found: Any = {"components": self.components}
        for name in part["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        return dict(found)


class Documents:
    """All documents of one vendor: `hubspot-*.json`. Beta documents are left out."""

    def __init__(self, vendor: str, *names: str) -> None:
        """Read the named documents, `tasks` for `hubspot-tasks.json`."""
        self.operations = [
            operation
            for name in names
            for operation in _operations(json.loads((FOLDER / f"{vendor}-{name}.json").read_text()))
        ]

    def find(self, method: str, path: str) -> Operation | None:
        """Return the documented call, the one with the fewest placeholders first."""
        fitting = [one for one in self.operations if one.method == method and one.pattern.match(path)]
        return min(fitting, key=lambda one: one.path.count("{"), default=None)


@dataclass(frozen=True)
class Violation:
    """Something that passed and that the documents do not know."""

    call: str
    direction: str
    what: str


class Proxy:
    """Stands before a simulator on a port of its own. Use it as a context manager; `violations` grows, `passed` counts calls."""

    def __init__(self, target: str, documents: Documents) -> None:
        """Bind a free port."""
        self.violations: set[Violation] = set()
        self.passed: dict[str, int] = {}
        self._target = urlsplit(target)
        self._documents = documents
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> Proxy:
        """Begin to pass on."""
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self._http.shutdown()
        self._http.server_close()

    def _handler(proxy) -> type[BaseHTTPRequestHandler]:  # noqa: N805 — the inner class has a self of its own
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _pass_on(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                answer, told = proxy._ask(self.command, self.path, dict(self.headers), body)
                proxy._judge(self.command, self.path, dict(self.headers), body, answer, told)
                self.send_response_only(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in HOP:
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(told)))
                self.end_headers()
                self.wfile.write(told)

            def log_message(self, format: str, *args: object) -> None:
                """Keep quiet."""

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _pass_on  # noqa: N815

        return Handler

    def _ask(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[http.client.HTTPResponse, bytes]:
        connection = http.client.HTTPConnection(self._target.hostname or "", self._target.port, timeout=30)
        passed = {name: value for name, value in headers.items() if name.lower() not in HOP}
        connection.request(method, path, body=body or None, headers=passed)
        answer = connection.getresponse()
        told = answer.read()
        connection.close()
        return answer, told

    def _judge(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        answer: http.client.HTTPResponse,
        told: bytes,
    ) -> None:
        parts = urlsplit(path)
        operation = self._documents.find(method, parts.path)
        call = f"{method} {operation.path if operation else parts.path}"
        self.passed[call] = self.passed.get(call, 0) + 1
        if operation is None:
            self.violations.add(Violation(call, "request", "this call is in no document"))
            return
        content_type = answer.getheader("Content-Type") or ""
        self.violations |= {
            Violation(call, "request", flaw)
            for flaw in operation.flaws_of_request(parts.query, headers, body)
        }
        self.violations |= {
            Violation(call, "answer", flaw)
            for flaw in operation.flaws_of_answer(answer.status, content_type, told)
        }


def _operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    components = _closed(document.get("components", {}))
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            if method in ("get", "post", "put", "patch", "delete"):
                parameters = (*methods.get("parameters", ()), *told.get("parameters", ()))
                yield Operation(method.upper(), path, told, parameters, components)


def _closed(part: Any) -> Any:
    """Return schemas of OpenAPI 3 as JSON Schema: nullable as a type, and objects that take no property beyond those they name."""
    if isinstance(part, list):
        return [_closed(one) for one in part]
    if not isinstance(part, dict):
        return part
    made = {
        name: _closed(value)
        for name, value in part.items()
        if name not in ("nullable", "example", "discriminator")
    }
    if part.get("nullable") and isinstance(part.get("type"), str):
        made["type"] = [part["type"], "null"]
    if isinstance(part.get("properties"), dict) and part.get("type", "object") == "object":
        made.setdefault("additionalProperties", False)
    return made


def _leaves(error: Any) -> Iterator[str]:
    """Yield what is wrong in words without the values: where, and which rule."""
    if error.context and error.validator in ("anyOf", "oneOf", "allOf"):
        yield f"{_place(error)}: fits none of {error.validator}"
        return
    yield f"{_place(error)}: {_rule(error)}"


def _place(error: Any) -> str:
    return ".".join("*" if isinstance(step, int) else str(step) for step in error.absolute_path) or "the body"


def _rule(error: Any) -> str:
    if error.validator == "type":
        return f"{type(error.instance).__name__} is not {error.validator_value}"
    if error.validator in ("additionalProperties", "required"):
        return str(error.message)
    return f"{error.validator} {error.validator_value!r} does not hold"
