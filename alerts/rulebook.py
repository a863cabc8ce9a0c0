"""Reading rules and notices from YAML files; what they mean is judged elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from alerts.delivery.audience import Policy, parse_policies
from alerts.rules import Fault, Rule, RuleRefused, parse_rule
from core.settings import ROOT
from dispatch.incidents.catalogue import Catalogue
from people.roles import Post

RULES_FOLDER = ROOT / "data" / "catalogue" / "rules"
NOTICES_FILE = ROOT / "data" / "catalogue" / "notices.yaml"
_LARGEST = 256_000


@dataclass(frozen=True)
class Entry:
    """One rule as it stands in a file: its checked form, its scenarios, its text."""

    rule: Rule
    raw: Mapping[str, Any]
    scenarios: tuple[Mapping[str, Any], ...]
    source: str


class _Plain(yaml.SafeLoader):
    """YAML as people mean it: no dates, no octal, no sexagesimal numbers, no doubled keys."""


_Plain.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in found if tag != "tag:yaml.org,2002:timestamp"]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _no_doubled_keys(loader: _Plain, node: yaml.MappingNode) -> dict[Any, Any]:
    keys = [loader.construct_object(key) for key, _ in node.value]
    doubled = {str(key) for key in keys if keys.count(key) > 1}
    if doubled:
        raise yaml.YAMLError(f"重复的字段 {'、'.join(sorted(doubled))}")
    return loader.construct_mapping(node)


_Plain.add_constructor("tag:yaml.org,2002:map", _no_doubled_keys)


def read_yaml(text: str, *, name: str) -> Any:
    """Return the document in `text`; raises `RuleRefused` naming the line that cannot be read."""
    if len(text) > _LARGEST:
        raise RuleRefused([Fault(name, "文件", "太大，不超过 256 KB")])
    try:
        return yaml.load(text, Loader=_Plain)  # noqa: S506 - a SafeLoader underneath
    except (yaml.YAMLError, RecursionError) as broken:
        mark = getattr(broken, "problem_mark", None)
        where = f"第 {mark.line + 1} 行" if mark else "文件"
        problem = getattr(broken, "problem", None) or str(broken)
        raise RuleRefused([Fault(name, where, f"不是合法的 YAML（{problem}）")]) from broken


def read_rules(folder: Path = RULES_FOLDER) -> list[Entry]:
    """Return every rule of a folder; raises `RuleRefused` with the faults of all its files."""
    faults: list[Fault] = []
    entries: list[Entry] = []
    for path in sorted(folder.glob("*.yaml")):
        try:
            entries += entries_of(path.read_text(encoding="utf-8"), name=path.name)
        except RuleRefused as refused:
            faults += refused.faults
        except UnicodeDecodeError:
            faults.append(Fault(path.name, "文件", "请存成 UTF-8 编码"))
    names = [entry.rule.name for entry in entries]
    faults += [Fault(n, "name", "重名") for n in sorted({n for n in names if names.count(n) > 1})]
    if not entries and not faults:
        faults.append(Fault(str(folder), "目录", "没有找到规则文件（*.yaml）"))
    if faults:
        raise RuleRefused(faults)
    return entries


def entries_of(text: str, *, name: str) -> list[Entry]:
    """Return the rules of one file's text; raises `RuleRefused` with every fault."""
    document = read_yaml(text, name=name)
    if not isinstance(document, list) or not all(isinstance(raw, Mapping) for raw in document):
        raise RuleRefused([Fault(name, "文件", "写成一列规则，每条以 - name: 开头")])
    faults: list[Fault] = []
    entries = []
    for raw in document:
        try:
            entries.append(Entry(parse_rule(raw), raw, _scenarios(raw), _source_of(raw)))
        except RuleRefused as refused:
            faults += refused.faults
    if faults:
        raise RuleRefused(faults)
    return entries


def _scenarios(raw: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    found = raw.get("scenarios", [])
    if not isinstance(found, list) or not all(isinstance(s, Mapping) for s in found):
        raise RuleRefused([Fault(str(raw.get("name")), "scenarios", "写成一列场景")])
    return tuple(found)


def _source_of(raw: Mapping[str, Any]) -> str:
    """Return the rule's text as the proof shows it: its own fields, in its own order."""
    meaning = {key: value for key, value in raw.items() if key != "scenarios"}
    return yaml.safe_dump(meaning, allow_unicode=True, sort_keys=False, width=100)


def unknown_words(entries: Sequence[Entry], known: Mapping[str, Sequence[str]]) -> list[Fault]:
    """Return a fault for each category word of a rule that names nothing in the catalogue."""
    return [
        Fault(entry.rule.name, "select.category", f"目录里没有“{word}”")
        for entry in entries
        for word in entry.rule.select.category
        if not known.get(word)
    ]


def words_of(catalogue: Catalogue) -> dict[str, list[str]]:
    """Return the codes each word stands for: a code, a minor class (小类) or a major one (大类)."""
    found: dict[str, list[str]] = {}
    for code, category in catalogue.categories.items():
        for word in {code, category.name, category.major, category.major_code}:
            found.setdefault(word, []).append(code)
    return found


@cache
def policies(path: Path = NOTICES_FILE) -> dict[str, Policy]:
    """Return the notice policies by name, read once a process."""
    document = read_yaml(path.read_text(encoding="utf-8"), name=path.name)
    return parse_policies(document, posts=[post.value for post in Post])


def policy_of(name: str) -> Policy:
    """Return a policy; the first stands in for one that left the file: someone is called."""
    known = policies()
    return known.get(name) or next(iter(known.values()))
