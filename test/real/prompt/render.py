"""Renders chat templates with jinja2, set up as the transformers library sets it up.

Reads lines {"source": template, "nowSeconds": Unix time, "inputs": [JSON text]}; an input holds messages, tools, documents,
add_generation_prompt and variables. Answers each with a line {"refused": reason or null, "outputs": [{"text"} or {"error"}]}.
"""

import json
import sys
from datetime import datetime

import jinja2
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment


class Generation(Extension):
    """`{% generation %}`: transformers notes where the body stands; its text stays as it is."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_pass"), [], [], body).set_lineno(line)

    def _pass(self, caller):
        return caller()


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def environment(now_seconds):
    result = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols])
    result.filters["tojson"] = tojson
    result.globals["raise_exception"] = raise_exception
    result.globals["strftime_now"] = lambda format: datetime.fromtimestamp(now_seconds).strftime(format)
    return result


def render(template, text):
    given = json.loads(text)
    variables = given.pop("variables")
    try:
        return {"text": template.render(**{**variables, **given})}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


def answer(question):
    try:
        template = environment(question["nowSeconds"]).from_string(question["source"])
    except Exception as error:
        return {"refused": f"{type(error).__name__}: {error}", "outputs": []}
    return {"refused": None, "outputs": [render(template, text) for text in question["inputs"]]}


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)
