"""Prints the chat templates inside the archives of a folder as a JSON list of {"name", "source"}.

Usage: collect_templates.py FOLDER. Templates are files named *.jinja, and string literals of Python files that hold a
Jinja tag and the word `messages`; nothing of the packages is imported.
"""

import ast
import json
import pathlib
import sys
import tarfile
import zipfile


def members(archive):
    """(path, text) of the files that may hold templates."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as file:
            for name in file.namelist():
                if name.endswith((".py", ".jinja")):
                    yield name, file.read(name).decode("utf-8", "replace")
    else:
        with tarfile.open(archive) as file:
            for member in file:
                if member.isfile() and member.name.endswith(".jinja"):
                    yield member.name, file.extractfile(member).read().decode("utf-8")


def literals(text):
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if "{%" in node.value and "messages" in node.value and "%}" in node.value:
                yield node.lineno, node.value


templates = {}
for archive in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    for path, text in members(archive):
        name = path.split("/", 1)[-1]
        if path.endswith(".jinja"):
            templates.setdefault(text, name)
        else:
            for line, source in literals(text):
                templates.setdefault(source, f"{name}:{line}")
print(json.dumps([{"name": name, "source": source} for source, name in templates.items()]))
