"""Strategy files: read and compile once, import anew as often as asked."""

import ast
import contextlib
import importlib.util
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from types import CodeType, ModuleType

from tallow.domain.errors import UserError, nearest
from tallow.runners.clocks import SHIFTS, move_clock
from tallow.runners.kernels import Kernels, kept, may_keep

WRITTEN = "tallow-strategy-"  # prefix of the folders that hold code written down from a program
_MARK = "# --- module {} beside the strategy ---"


@dataclass(frozen=True)
class Source:
    """A strategy file as text and code.

    Attributes:
        text: the file, followed by the modules beside it that it imports: all that decides its output.
        main: the file's own text.
        neighbours: top-level names it imports from its own folder.
        kernels: what numba compiled of it.
    """

    path: Path
    text: str
    main: str
    code: CodeType
    neighbours: tuple[str, ...] = ()
    kernels: Kernels = field(default_factory=dict)

    @cached_property
    def module_name(self) -> str:
        """The name it is imported by: the same in every process, because numba writes it into its own cache."""
        return f"tallow_strategy_{sha256(f'{self.path.resolve()} {self.main}'.encode()).hexdigest()[:24]}"

    @cached_property
    def keeps_kernels(self) -> bool:
        """Whether what numba compiled of it may outlive an import."""
        return may_keep(ast.parse(self.main))

    def with_clock_moved(self) -> "Iterator[Source]":
        """Give the same source with every reading of the wall clock moved, once per shift; none without any."""
        for seconds in SHIFTS:
            tree = ast.parse(self.main)
            if move_clock(tree, seconds):
                yield replace(self, code=compile(tree, str(self.path), "exec"), kernels={})


def read_source(path: Path) -> Source:
    """Read and compile a strategy file.

    Raises:
        UserError: STRATEGY_NOT_FOUND or BAD_STRATEGY.
    """
    try:
        main = path.read_text(encoding="utf-8")
    except OSError as problem:
        raise _not_found(path) from problem
    except UnicodeDecodeError as problem:
        raise UserError("BAD_STRATEGY", f"{path} is not UTF-8 text", facts={"received": str(problem)}) from problem
    try:
        tree = ast.parse(main, str(path))
        code = compile(tree, str(path), "exec")
    except (SyntaxError, ValueError) as problem:
        line = getattr(problem, "lineno", None)
        where = f"{path}:{line}" if line else str(path)
        raise UserError(
            "BAD_STRATEGY",
            f"{where} is not valid Python: {getattr(problem, 'msg', problem)}",
            facts={"received": (getattr(problem, "text", None) or "").strip()},
        ) from problem
    beside = _neighbours(tree, path.parent, {path.stem})
    parts = {stem: _text(file) for name in beside for stem, file in _files(path.parent, name).items()}
    return Source(path, joined(main, parts), main, code, tuple(beside))


def joined(main: str, beside: Mapping[str, str]) -> str:
    """Write a file and the modules beside it, by their paths without suffix, as one text; `parted` undoes it."""
    return "".join([main, *(f"\n{_MARK.format(name)}\n{text}" for name, text in beside.items())])


def parted(text: str) -> tuple[str, dict[str, str]]:
    """Give a file's own text and the modules beside it, from what `joined` wrote."""
    main, *rest = re.split(f"\\n{re.escape(_MARK).replace(re.escape('{}'), '(.+)')}\\n", text)
    return main, dict(zip(rest[::2], rest[1::2], strict=True))


def _not_found(path: Path) -> UserError:
    folder = path.parent
    known = [str(file) for file in sorted(folder.glob("*.py"))] if folder.is_dir() else []
    return UserError(
        "STRATEGY_NOT_FOUND",
        f"there is no strategy file {path}",
        facts={"nearest": ", ".join(nearest(str(path), known) or known[:5]) or f"no Python file in {folder}"},
        commands=["tallow new strategy NAME"],
    )


def _neighbours(tree: ast.AST, folder: Path, seen: set[str]) -> list[str]:
    found: list[str] = []
    for name in sorted(_imported_names(tree) - seen):
        files = _files(folder, name)
        if not files or name in sys.stdlib_module_names:
            continue
        seen.add(name)
        found.append(name)
        for file in files.values():
            with contextlib.suppress(SyntaxError, ValueError):
                found += _neighbours(ast.parse(_text(file)), folder, seen)
    return found


def _imported_names(tree: ast.AST) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


def imported_packages(source: Source) -> tuple[str, ...]:
    """Name the installed packages a source imports, for another process to import beforehand."""
    names = _imported_names(ast.parse(source.main)) - set(source.neighbours)
    return tuple(sorted(name for name in names if name not in sys.stdlib_module_names))


def _files(folder: Path, name: str) -> dict[str, Path]:
    # The files of a module beside a strategy, by their paths without suffix: one file, or every file of a package.
    if (folder / f"{name}.py").is_file():
        return {name: folder / f"{name}.py"}
    inside = sorted((folder / name).rglob("*.py")) if (folder / name).is_dir() else []
    return {file.relative_to(folder).with_suffix("").as_posix(): file for file in inside}


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8")


def write_beside(folder: Path, beside: Mapping[str, str]) -> None:
    """Write the modules beside a strategy, as `parted` gives them, into a folder.

    Raises:
        UserError: BAD_STRATEGY for a module that would lie outside it.
    """
    for stem, text in beside.items():
        file = folder / f"{stem}.py"
        if not file.resolve().is_relative_to(folder.resolve()):
            raise UserError(
                "BAD_STRATEGY", f"a module beside the strategy is called {stem!r}", facts={"valid": "a name"}
            )
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


@contextlib.contextmanager
def imported(source: Source) -> Iterator[ModuleType]:
    """Run the file as a new module, and forget it and its neighbours afterwards.

    Whatever the file's own code raises passes through.
    """
    module = ModuleType(source.module_name)
    module.__file__ = str(source.path)
    folder = str(source.path.parent)
    reuse = kept(source.kernels, source.module_name) if source.keeps_kernels else contextlib.nullcontext()
    with _on_path(folder, source.neighbours), reuse:
        sys.modules[source.module_name] = module
        try:
            exec(source.code, module.__dict__)
            yield module
        finally:
            sys.modules.pop(source.module_name, None)


@contextlib.contextmanager
def _on_path(folder: str, neighbours: tuple[str, ...]) -> Iterator[None]:
    if not neighbours:
        yield
        return
    importlib.invalidate_caches()
    before = {name for name in sys.modules if name.partition(".")[0] in neighbours}
    sys.path.append(folder)
    try:
        yield
    finally:
        sys.path.remove(folder)
        for name in [name for name in sys.modules if name.partition(".")[0] in neighbours and name not in before]:
            del sys.modules[name]
