"""What click says of a command that cannot be read, in the form of every other error."""

from click import ClickException, UsageError
from click.exceptions import BadOptionUsage, BadParameter, MissingParameter, NoSuchOption

from tallow.domain.errors import Error, UserError


def in_our_form(problem: ClickException) -> Error:
    """Give the error with its code, what is wrong, how the command is used, and where its help is.

    Codes are UNKNOWN_OPTION, MISSING_ARGUMENT, BAD_OPTION, and BAD_COMMAND for everything else.
    """
    context = problem.ctx if isinstance(problem, UsageError) else None
    path = context.command_path if context is not None else "tallow"
    facts = {} if context is None else {"usage": " ".join(context.get_usage().removeprefix("Usage:").split())}
    code, words = "BAD_COMMAND", _clause(problem.format_message())
    if isinstance(problem, NoSuchOption):
        code, words = "UNKNOWN_OPTION", f"{path} has no option {problem.option_name}"
        facts = {"nearest": ", ".join(problem.possibilities or ()), **facts}
    elif isinstance(problem, MissingParameter):
        code, words = "MISSING_ARGUMENT", f"{path} needs {_named(problem)}"
    elif isinstance(problem, BadParameter) and problem.param is not None:
        code, words = "BAD_OPTION", f"{_named(problem)}: {_clause(problem.message)}"
    elif isinstance(problem, BadOptionUsage):
        code = "BAD_OPTION"
    return UserError(code, words, facts=facts, commands=[f"{path} --help"])


def _named(problem: BadParameter) -> str:
    if problem.param is None:
        return "something more"
    # Of an option the longest spelling; of an argument what the usage line calls it.
    spelled = sorted(problem.param.opts, key=len)[-1]
    return spelled if problem.param.param_type_name == "option" else problem.param.make_metavar(problem.ctx)  # type: ignore[arg-type]


def _clause(text: str) -> str:
    return (text[:1].lower() + text[1:]).strip().removesuffix(".")
