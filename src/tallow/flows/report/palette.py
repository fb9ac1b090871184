"""Colours of both themes and of the three palettes, as CSS custom properties.

Every pair that carries text reaches a contrast of 4.5 : 1 and every graphic 3 : 1 in both themes (WCAG 2.2 AA).
"""

from tallow.domain.errors import UserError, nearest

# theme -> role -> colour
SURFACES = {
    "light": {
        "page": "#f7f7f5", "card": "#ffffff", "ink": "#16191d", "soft": "#555b64", "line": "#e3e3df",
        "edge": "#878c93", "accent": "#1f5fbf", "mark": "#5b6470", "warn": "#8a5300", "warn-back": "#fdf1dc",
        "bad": "#a3182b", "bad-back": "#fdebec", "good": "#0b6b3a", "good-back": "#e6f4eb", "band": "#f1f1ee",
    },
    "dark": {
        "page": "#0f1215", "card": "#171b20", "ink": "#e8eaed", "soft": "#a4abb5", "line": "#2a3037",
        "edge": "#747d88", "accent": "#7db2ff", "mark": "#9aa4b1", "warn": "#f0b35a", "warn-back": "#33270f",
        "bad": "#ff8b93", "bad-back": "#3a191d", "good": "#63d29a", "good-back": "#12301f", "band": "#1d2228",
    },
}  # fmt: skip

_GREEN = {"light": "#0b7a43", "dark": "#3fc380"}
_RED = {"light": "#bf1f37", "dark": "#f4707c"}
_BLUE = {"light": "#1763b6", "dark": "#5aa9f5"}
_ORANGE = {"light": "#b04f00", "dark": "#f2984a"}

PALETTES = {
    "green-red": (_GREEN, _RED),
    "red-green": (_RED, _GREEN),
    "blue-orange": (_BLUE, _ORANGE),
}
NAMES = {
    "green-red": "green up, red down",
    "red-green": "red up, green down",
    "blue-orange": "blue up, orange down",
}
HEAT = (10, 20, 30, 40, 50)  # shares of the gain or loss colour in the heat-map, per cent


def check_palette(name: str) -> str:
    """Give the name back when there is such a palette.

    Raises:
        UserError: UNKNOWN_PALETTE with the names there are.
    """
    if name not in PALETTES:
        raise UserError(
            "UNKNOWN_PALETTE",
            f"no palette is called {name!r}",
            facts={"valid": ", ".join(PALETTES), "nearest": ", ".join(nearest(name, PALETTES))},
        )
    return name


def blend(front: str, back: str, share: float) -> str:
    """Mix two ``#rrggbb`` colours in sRGB, `share` (0 to 1) of the front one.

    Example:
        >>> blend("#ffffff", "#000000", 0.5)
        '#808080'
    """
    pairs = zip(_channels(front), _channels(back), strict=True)
    return "#" + "".join(f"{int(a * share + b * (1 - share) + 0.5):02x}" for a, b in pairs)


def contrast(one: str, other: str) -> float:
    """Give the contrast ratio of two colours, 1 to 21.

    Formula: WCAG 2.2, "contrast ratio" and "relative luminance".
    """
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def theme_rule(theme: str, palette: str) -> str:
    """Write the custom properties of one theme with one palette, without a selector."""
    return _variables(theme) + _trend(theme, palette)


def stylesheet(selected: str = "green-red") -> str:
    """Write the custom properties of every theme and palette of the page; `selected` needs no attribute.

    Light is the default and what is printed; dark follows the system unless the root element says otherwise.
    """
    rules = [f":root{{{theme_rule('light', selected)}}}"]
    rules += [f":root[data-palette={name}]{{{_trend('light', name)}}}" for name in PALETTES]
    dark = [theme_rule("dark", selected), *(_trend("dark", name) for name in PALETTES)]
    places = ["", *(f"[data-palette={name}]" for name in PALETTES)]
    for media, root in (
        ("screen and (prefers-color-scheme:dark)", ":root:not([data-theme=light])"),
        ("screen", ":root[data-theme=dark]"),
    ):
        body = "".join(f"{root}{place}{{{rule}}}" for place, rule in zip(places, dark, strict=True))
        rules.append(f"@media {media}{{{body}}}")
    return "\n".join(rules)


def _variables(theme: str) -> str:
    return f"color-scheme:{theme};" + "".join(f"--{role}:{colour};" for role, colour in SURFACES[theme].items())


def _trend(theme: str, palette: str) -> str:
    up, down = (colours[theme] for colours in PALETTES[palette])
    card = SURFACES[theme]["card"]
    heat = (
        f"--{sign}{step}:{blend(colour, card, share / 100)};"
        for sign, colour in (("p", up), ("n", down))
        for step, share in enumerate(HEAT, 1)
    )
    return f"--up:{up};--down:{down};" + "".join(heat)


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    linear = [c / 3294.6 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in _channels(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
