"""Reading ``campaign.yaml``: every complaint names the line, unknown keys the closest known one."""

from __future__ import annotations

import difflib
import json
import types
import typing
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from dualion.results.store import EmptyStoreError, Store
from dualion.structures.errors import InputError
from dualion.workflows.campaign.config import SCREENING_NOTE, Campaign

if TYPE_CHECKING:
    import yaml
    from pydantic import BaseModel


MOST_BYTES = 1_000_000
"""Largest configuration that is read, bytes."""


def load_campaign(path: Path) -> Campaign:
    """The campaign of a YAML file, or of the folder that holds it or that a screening wrote.

    Raises:
        InputError: it is missing, no YAML, or holds a wrong key or value.
    """
    if path.name == Campaign.OF_SCREENING and not path.exists():  # as jobs of a submission name it
        path = path.parent
    if path.is_dir():
        folder, path = path, path / "campaign.yaml"
        screening = None if path.exists() else screening_of(folder)
        if screening:
            return screening
    campaign = load_model(path, Campaign, folder=path.resolve().parent, file=path.name, inputs=None)
    _check_options(path, campaign)
    return campaign


def screening_of(folder: Path) -> Campaign | None:
    """What ``dualion screen`` was asked in a folder, by its store; None where it was not.

    Raises:
        InputError: the store cannot be read.
    """
    at = folder.resolve() / "campaign.db"
    if not at.is_file():
        return None
    try:
        store = Store.read_only(at)
    except EmptyStoreError:  # a run has just begun
        return None
    try:
        noted = store.note(SCREENING_NOTE)
    finally:
        store.close()
    if noted is None:
        return None
    return Campaign(
        **json.loads(noted),
        name=(at.parent.name or "screening")[:80],
        folder=at.parent,
        file=Campaign.OF_SCREENING,
    )


Model = TypeVar("Model", bound="BaseModel")


def load_model(path: Path, model: type[Model], **own: Any) -> Model:
    """The content of a YAML file as a model.

    Args:
        path: the file.
        model: what it must hold.
        own: fields that the file may not set.

    Raises:
        InputError: it is missing, no YAML, or holds a wrong key or value.
    """
    from pydantic import ValidationError

    root = _root(path, _text(path))
    _refuse_repeated_keys(root, path)
    data = _plain(root)
    if not isinstance(data, dict):
        raise InputError(f"{path} holds no campaign; write one with: dualion init")
    for name in own:
        if name in data:
            raise InputError(f"{path}: unknown key {name!r}.")
    try:
        return model(**data, **own)
    except ValidationError as error:
        raise InputError(_complaint(path, root, _first(error.errors()), model)) from None
    except TypeError:
        raise InputError(f"{path}: the keys must be words, such as sources.") from None


def _first(errors: list[Any]) -> Any:
    """The complaint to name: a misspelt key is the cause where a needed one is missing."""
    return next((e for e in errors if e["type"] == "extra_forbidden"), errors[0])


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"{path} is too large for a campaign's configuration.")
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(
            f"There is no campaign {path}. Write one with: dualion init {path.parent}"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"Cannot read {path}: {error}.") from error


def _root(path: Path, text: str) -> yaml.Node:
    """The file's tree of nodes, each with its line.

    Raises:
        InputError: it is no YAML, holds an alias (which could blow up), or is empty.
    """
    import yaml

    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent):
                line = 1 + (event.start_mark.line if event.start_mark else 0)
                raise InputError(f"{path}, line {line}: aliases (*) are not allowed here.")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "it cannot be read"
        raise InputError(f"{path}{where}: this is no YAML ({problem}).") from None
    if root is None:
        raise InputError(f"{path} is empty; write a campaign with: dualion init")
    return root


def _plain(node: yaml.Node) -> Any:
    """Plain data of a node: like YAML's safe loader, but times such as 12:00:00 stay text."""
    import yaml

    if isinstance(node, yaml.MappingNode):
        return {key.value: _plain(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [_plain(value) for value in node.value]
    kind = node.tag.rpartition(":")[2]
    if kind == "null":
        return None
    if kind == "bool":
        return node.value.lower() in ("true", "yes", "on")
    if kind in ("int", "float") and ":" not in node.value:
        return _number(node.value)
    return node.value


def _number(text: str) -> int | float | str:
    for convert in (int, float):
        try:
            return convert(text.replace(".inf", "inf").replace(".nan", "nan"))
        except ValueError:
            continue
    return text


def _refuse_repeated_keys(node: yaml.Node, path: Path) -> None:
    import yaml

    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                line = key.start_mark.line + 1
                raise InputError(f"{path}, line {line}: {key.value!r} is given twice.")
            seen.add(key.value)
            _refuse_repeated_keys(value, path)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _refuse_repeated_keys(value, path)


def _complaint(path: Path, root: yaml.Node, error: Any, model: type[BaseModel]) -> str:
    """One sentence on the first thing that is wrong."""
    place: tuple[str | int, ...] = error["loc"]
    name = ".".join(str(part) for part in place) or "campaign"
    where = f"{path}, line {_line(root, place)}"
    if error["type"] == "extra_forbidden":
        known = list(_model_at(model, place[:-1]).model_fields)
        known = [field for field in known if field not in ("folder", "file")]
        close = difflib.get_close_matches(str(place[-1]), known, n=1, cutoff=0.0)[0]
        return f"{where}: unknown key {place[-1]!r}; did you mean {close!r}?"
    if error["type"] == "missing":
        return f"{where}: {name!r} is missing; add it."
    said = str(error["msg"]).removeprefix("Value error, ")
    said = said[:1].lower() + said[1:]
    return f"{where}: {name} is {error['input']!r}: {said}."


def _line(root: yaml.Node, place: tuple[str | int, ...]) -> int:
    """Line of the node at a place, or of the nearest one around it; the first line is 1."""
    import yaml

    node, line = root, root.start_mark.line + 1
    for part in place:
        if isinstance(node, yaml.MappingNode):
            pairs = [(k, v) for k, v in node.value if k.value == str(part)]
            if not pairs:
                return line
            line, node = pairs[0][0].start_mark.line + 1, pairs[0][1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            if part >= len(node.value):
                return line
            node = node.value[part]
            line = node.start_mark.line + 1
    return line


def _model_at(model: type[BaseModel], place: tuple[str | int, ...]) -> type[BaseModel]:
    """The model of the block at a place."""
    for part in place:
        if isinstance(part, str):
            model = _inner_model(model.model_fields[part].annotation) or model
    return model


def _inner_model(annotation: Any) -> type[BaseModel] | None:
    from pydantic import BaseModel

    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return annotation if issubclass(annotation, BaseModel) else None
    found = (_inner_model(inner) for inner in typing.get_args(annotation))
    return next((inner for inner in found if inner), None)


def _check_options(path: Path, campaign: Campaign) -> None:
    """Let the physics check what it is asked, before anything else happens."""
    try:
        campaign.options()
        campaign.rules()
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
